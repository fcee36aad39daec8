"""JSON reads: the shapes and the paths that clients rely on, and who may read what."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from caesar_web.config import Config
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from caesar_web.store.results import Extract, SubjectReduction
from tests.factories import make_event, make_workflow
from tests.people import ALICE, BOB, BROWSER, application, at_panoptes, bearer
from tests.pipeline.steps import process, receive
from tests.standin.server import StandinServer

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
MOMENT = datetime(2026, 2, 3, 4, 5, 6, 7_999, tzinfo=UTC)
TEXT = "2026-02-03T04:05:06.007Z"
CONFIGURATION: dict[str, Any] = {
    "extractors_config": {"species": {"type": "survey"}, "who": {"type": "who"}},
    "reducers_config": {
        "counts": {"type": "stats", "filters": {"extractor_keys": ["species"]}},
        "people": {
            "type": "unique_count",
            "field": "user_id",
            "filters": {"extractor_keys": ["who"]},
        },
    },
    "rules_config": [
        {
            "if": ["gte", ["lookup", "counts.lion", 0], ["const", 2]],
            "then": [{"action": "retire_subject"}],
        }
    ],
}
NO_OTHER_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def client(app: Flask, config: Config, standin: StandinServer) -> Iterator[FlaskClient]:
    """The owner's, of a workflow 100 in which subject 1 has two lions."""
    with db.session.begin():
        make_workflow(db.session(), **CONFIGURATION)
    known = at_panoptes(config, standin)
    receive([make_event(id, user=id, choice="lion") for id in (1, 2)])
    process()
    for table in (Workflow, Extract, SubjectReduction):
        db.session.execute(update(table).values(created_at=MOMENT, updated_at=MOMENT))
    db.session.execute(update(Extract).values(classification_at=MOMENT))
    db.session.commit()
    db.session.remove()
    with application(known) as served:
        client = served.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = bearer(standin, ALICE)["Authorization"]
        yield client


@pytest.fixture
def strangers(client: FlaskClient, config: Config, standin: StandinServer) -> list[FlaskClient]:
    """Somebody who may not see that workflow, and nobody."""
    anonymous, bob = client.application.test_client(), client.application.test_client()
    bob.environ_base["HTTP_AUTHORIZATION"] = bearer(standin, BOB)["Authorization"]
    return [anonymous, bob]


def read(client: FlaskClient, path: str) -> Any:
    response = client.get(path)
    assert response.status_code == 200, response.text
    assert response.content_type == "application/json; charset=utf-8"
    return response.get_json()


RED = ("failed_extractors", "failed_reducers", "failed_subject_rules", "failed_user_rules")


def test_a_workflow(client: FlaskClient) -> None:
    assert read(client, "/workflows/100") == {
        "id": 100,
        "project_id": 10,
        "created_at": TEXT,
        "updated_at": TEXT,
        "public_extracts": False,
        "public_reductions": False,
        "rules_applied": "all_matching_rules",
        "status": "active",
        "extracts_count": 4,
        "subject_reductions_count": 2,
        "user_reductions_count": 0,
        "subject_actions_count": 1,
        "user_actions_count": 0,
        "extractors_count": 2,
        "reducers_count": 2,
        "subject_rules_count": 1,
        "user_rules_count": 0,
        "custom_queue_name": None,
        "name": "Galaxies",
        "project_name": "Galaxy Demo",
        "stoplight_status": {name: [] for name in RED},
    }


def test_an_extract(client: FlaskClient) -> None:
    extracts = read(client, "/workflows/100/extractors/all/extracts?subject_id=1")
    assert [(one["classification_id"], one["extractor_key"]) for one in extracts] == [
        (1, "species"),
        (1, "who"),
        (2, "species"),
        (2, "who"),
    ]
    assert extracts[0] == {
        "id": extracts[0]["id"],
        "classification_id": 1,
        "classification_at": TEXT,
        "extractor_key": "species",
        "workflow_id": 100,
        "user_id": 1,
        "subject_id": 1,
        "data": {"lion": 1},
        "created_at": TEXT,
        "updated_at": TEXT,
        "project_id": 10,
        "workflow_version": "1.1",
        "machine_data": False,
        "relevant_reduction": None,
    }


def test_a_reduction(client: FlaskClient) -> None:
    counts, people = read(client, "/workflows/100/subjects/1/reductions")
    assert counts == {
        "id": counts["id"],
        "reducer_key": "counts",
        "workflow_id": 100,
        "subject_id": 1,
        "data": {"lion": 2},
        "created_at": TEXT,
        "updated_at": TEXT,
        "subgroup": "_default",
        "lock_version": counts["lock_version"],
        "store": counts["store"],
        "reducible_id": 100,
        "reducible_type": "Workflow",
    }
    assert isinstance(counts["lock_version"], int)
    assert (people["reducer_key"], people["data"]) == ("people", 2)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00.000Z"),
        (datetime(2026, 1, 1, 0, 0, 0, 999_999, tzinfo=UTC), "2026-01-01T00:00:00.999Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_moments_have_three_decimals(client: FlaskClient, moment: datetime, text: str) -> None:
    db.session.execute(update(Workflow).values(created_at=moment))
    db.session.commit()
    assert read(client, "/workflows/100")["created_at"] == text


@pytest.mark.parametrize(
    ("key", "number"), [("all", 4), ("extractor", 4), ("unheard-of", 4), ("who", 2), ("species", 2)]
)
def test_extracts_by_extractor(client: FlaskClient, key: str, number: int) -> None:
    path = f"/workflows/100/extractors/{key}/extracts?subject_id=1&admin=True"
    assert len(read(client, path)) == number


@pytest.mark.parametrize(
    "query", ["", "?subject_id=", "?subject_id=2", "?subject_id=one", "?subject_id=-1"]
)
@pytest.mark.parametrize(
    "path",
    [
        "/workflows/100/extractors/all/extracts",
        "/workflows/100/subject_reductions",
        "/workflows/100/reducers/counts/reductions",
    ],
)
def test_another_subject_or_none_has_nothing(client: FlaskClient, path: str, query: str) -> None:
    assert read(client, path + query) == []


@pytest.mark.parametrize(
    "path",
    [
        "/workflows/100/subjects/1/reductions",
        "/workflows/100/subjects/1/subject_reductions",
        "/workflows/100/subject_reductions?subject_id=1",
        "/workflows/100/subjects/1/reductions?admin=True&unknown=1",
    ],
)
def test_reductions_of_a_subject(client: FlaskClient, path: str) -> None:
    keys = [one["reducer_key"] for one in read(client, path)]
    assert keys == ["counts", "people"]


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("/workflows/100/reducers/people/reductions?subject_id=1", ["people"]),
        ("/workflows/100/reducers/none/reductions?subject_id=1", []),
        ("/workflows/100/subjects/1/reductions?reducer_key=counts", ["counts"]),
        ("/workflows/100/subjects/1/subject_reductions?reducer_key=people", ["people"]),
        ("/workflows/100/subject_reductions?subject_id=1&reducer_key=counts", ["counts"]),
        ("/workflows/100/subject_reductions?subject_id=1&reducer_key=none", []),
        ("/workflows/100/subjects/0/reductions", []),
        ("/workflows/100/subjects/0/reductions?subject_id=1", []),
    ],
)
def test_reductions_of_a_reducer(client: FlaskClient, path: str, keys: list[str]) -> None:
    assert [one["reducer_key"] for one in read(client, path)] == keys


@pytest.mark.parametrize("id", [101, 0, 2**63 - 1, 2**63, 10**40, int("9" * 4000)])
@pytest.mark.parametrize("rest", ["", "/subjects/1/reductions", "/subject_reductions?subject_id=1"])
def test_a_workflow_that_is_not_there(client: FlaskClient, id: int, rest: str) -> None:
    response = client.get(f"/workflows/{id}{rest}")
    assert response.status_code == 404
    assert response.content_type == "application/json; charset=utf-8"
    assert response.get_json() == {"error": f"Couldn't find Workflow with 'id'={id}"}


def test_extracts_of_a_workflow_that_is_not_there_are_none(client: FlaskClient) -> None:
    assert read(client, "/workflows/101/extractors/all/extracts?subject_id=1") == []
    assert read(client, f"/workflows/{10**30}/extractors/all/extracts?subject_id=1") == []


@pytest.mark.parametrize("id", [2**63 - 1, 2**63, 10**40])
def test_subjects_with_huge_ids_have_nothing(client: FlaskClient, id: int) -> None:
    assert read(client, f"/workflows/100/subjects/{id}/reductions") == []
    assert read(client, f"/workflows/100/subject_reductions?subject_id={id}") == []
    assert read(client, f"/workflows/100/extractors/all/extracts?subject_id={id}") == []


@pytest.mark.parametrize(
    "path", ["/workflows/abc", "/workflows/-1", "/workflows/1.5", "/workflows/100/none", "/none"]
)
def test_a_path_that_is_not_there(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.get_json() == {"status": 404, "error": "Not Found"}


def test_a_method_that_is_not_there(client: FlaskClient) -> None:
    response = client.delete("/workflows/100")
    assert response.status_code == 404
    assert response.get_json() == {"status": 404, "error": "Not Found"}
    assert client.delete("/workflows/100", headers=BROWSER).status_code == 405
    assert client.head("/workflows/100").status_code == 200


@pytest.mark.parametrize("extracts", [True, False])
@pytest.mark.parametrize("reductions", [True, False])
def test_strangers_read_only_what_is_public(
    client: FlaskClient, strangers: list[FlaskClient], extracts: bool, reductions: bool
) -> None:
    flags = {"public_extracts": extracts, "public_reductions": reductions}
    db.session.execute(update(Workflow).values(flags))
    db.session.commit()
    found = {
        "/workflows/100": False,
        "/workflows/100/subjects/1/reductions": reductions,
        "/workflows/100/subject_reductions?subject_id=1": reductions,
        "/workflows/100/reducers/counts/reductions?subject_id=1": reductions,
    }
    nobody, stranger = strangers
    for path, is_public in found.items():
        assert nobody.get(path).status_code == (200 if is_public else 401), path
        response = stranger.get(path)
        assert response.status_code == (200 if is_public else 404), path
        if not is_public:
            assert response.get_json() == {"error": "Couldn't find Workflow with 'id'=100"}
        assert client.get(path).status_code == 200, path
    everything = "/workflows/100/extractors/all/extracts?subject_id=1"
    assert nobody.get(everything).status_code == (200 if extracts else 401)
    assert len(read(stranger, everything)) == (4 if extracts else 0)
    assert len(read(client, everything)) == 4


@NO_OTHER_DATABASE
def test_answers_carry_the_security_headers(client: FlaskClient) -> None:
    for path in ("/", "/workflows/100", "/none", "/static/style.css"):
        with client.get(path) as response:
            headers = response.headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
