"""Pages of reducers, of workflows and of projects: made, tried, renamed, removed, explained."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from caesar_web.domain.reducers import REDUCERS as TYPES
from caesar_web.store.configuration import Reducer, Revision, SubjectRule, Workflow
from caesar_web.store.db import db
from caesar_web.store.results import SubjectReduction
from tests.factories import START, give
from tests.pages import Element, filled, visit
from tests.people import BROWSER, sign_in
from tests.pipeline.steps import process
from tests.served import page_of, send, three_projects
from tests.standin.server import StandinServer
from tests.web.parts import arrive, part_form, problems, ticked, typed, words

REDUCERS = "/workflows/100/reducers"
OF_PROJECT = "/projects/10/reducers"
AT: dict[str, Any] = {"created_at": START, "updated_at": START}
EXTRACTORS = {
    "answers": {"type": "question", "task_key": "T0"},
    "people": {"type": "who"},
}


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        with app.app_context(), db.session.begin():
            workflow = db.session.get_one(Workflow, 100)
            give(db.session(), workflow, {"extractors_config": EXTRACTORS})
        yield app


@pytest.fixture
def alice(app: Flask) -> FlaskClient:
    client = app.test_client()
    sign_in(client, "alice")
    return client


def stored(app: Flask, reducible_type: str = "Workflow") -> dict[str, Reducer]:
    with app.app_context():
        rows = db.session.scalars(select(Reducer).filter_by(reducible_type=reducible_type)).all()
        return {row.key: row for row in rows}


def id_of(app: Flask, key: str) -> int:
    with app.app_context():
        return db.session.scalars(select(Reducer.id).filter_by(key=key)).one()


def make(client: FlaskClient, type_name: str, key: str, **fields: str) -> Element | None:
    """Sends the form of a new reducer; gives the page where it was refused."""
    response = send(client, f"{REDUCERS}/new?type={type_name}", key=key, **fields)
    return None if response.status_code == 302 else page_of(response)


FIELDS: dict[str, dict[str, str]] = {
    "consensus": {"ignore_empty_extracts": "y"},
    "summary_stats": {"summarize_field": "answers.0", "operations": "mean"},
    "unique_count": {"field": "user_id"},
    "sqs": {"queue_name": "galaxies"},
    "aggregation": {
        "name": "question_reducer",
        "parameters.pairs": "y",
    },
    "votes": {
        "answers-name": "small",
        "answers-path": "DUIKER, HOG",
        "first": "3",
        "weight_field": "skill",
        "default_weight": "0.5",
        "user_reducer_keys": "skills",
    },
    "swap_skill": {"positive": "0, 1", "gold_negative": "DUD", "initial_weight": "5"},
    "swap": {
        "positive": "0",
        "prior": "0.01",
        "prior_from": "probability",
        "experts": "12, 7",
        "user_reducer_keys": "skills",
    },
}
CONFIGS: dict[str, dict[str, Any]] = {
    "consensus": {"ignore_empty_extracts": True},
    "summary_stats": {"summarize_field": "answers.0", "operations": ["mean"]},
    "unique_count": {"field": "user_id"},
    "sqs": {"queue_name": "galaxies"},
    "aggregation": {"name": "question_reducer", "parameters": {"pairs": True}},
    "votes": {
        "answers": {"small": ["DUIKER", "HOG"]},
        "first": 3,
        "weight_field": "skill",
        "default_weight": 0.5,
    },
    "swap_skill": {"positive": ["0", "1"], "gold_negative": ["DUD"], "initial_weight": 5},
    "swap": {
        "positive": ["0"],
        "prior": 0.01,
        "prior_from": "probability",
        "experts": ["12", "7"],
    },
}


def test_every_type_is_made_with_its_form_alone(app: Flask, alice: FlaskClient) -> None:
    assert "Reducers combine what extractors found" in visit(alice, REDUCERS).text
    types = visit(alice, f"{REDUCERS}/new")
    for type_name in TYPES:
        address = f"{REDUCERS}/new?type={type_name}"
        assert address in [link.attributes["href"] for link in types.all("a")]
        visit(alice, address)
        assert make(alice, type_name, f"my-{type_name}", **FIELDS.get(type_name, {})) is None
        row = stored(app)[f"my-{type_name}"]
        assert (row.type, row.config) == (type_name, CONFIGS.get(type_name, {}))
        topic = TYPES[type_name].topic or "reduce_by_subject"
        assert (row.filters, row.grouping, row.topic) == ({}, {}, topic)
    page = visit(alice, REDUCERS)
    assert len(page.all("tbody")[0].all("tr")) == len(TYPES)
    assert "answers.0" in page.text
    assert "small: DUIKER, HOG" in page.text
    page = visit(alice, f"{REDUCERS}/{id_of(app, 'my-votes')}")
    written = [typed(page, name) for name in ("answers-path", "first", "last", "default_weight")]
    assert written == ["DUIKER, HOG", "3", "", "0.5"]
    assert "the extracts of each volunteer" not in page.text


def test_all_that_every_reducer_can_be_told(app: Flask, alice: FlaskClient) -> None:
    fields = {
        "topic": "reduce_by_user",
        "filters.from": "2",
        "filters.to": "-2",
        "filters.extractor_keys": "people",
        "filters.repeated_classifications": "keep_last",
        "filters.empty_extracts": "ignore_empty",
        "filters.training_behavior": "training_only",
        "grouping.field_name": "answers.0",
        "grouping.if_missing": "error",
        "subject_reducer_keys": "truth",
    }
    assert make(alice, "count", "all", **fields) is None
    row = stored(app)["all"]
    assert row.topic == "reduce_by_user"
    assert row.filters == {
        "from": 2,
        "to": -2,
        "extractor_keys": ["people"],
        "repeated_classifications": "keep_last",
        "empty_extracts": "ignore_empty",
        "training_behavior": "training_only",
    }
    assert row.grouping == {"field_name": "answers.0", "if_missing": "error"}
    assert (row.user_reducer_keys, row.subject_reducer_keys) == (None, ["truth"])
    page = visit(alice, f"{REDUCERS}/{row.id}")
    for name in ("topic", "filters.from", "filters.to", "grouping.if_missing"):
        assert typed(page, name) == fields[name]
    assert ticked(page, "filters.extractor_keys") == ["people"]
    assert ticked(page, "subject_reducer_keys") == ["truth"]
    assert "truth (not there)" in page.text
    assert "only training subjects count" in visit(alice, REDUCERS).text


@pytest.mark.parametrize(
    ("type_name", "fields", "says"),
    [
        ("stats", {"key": ""}, "Give a key."),
        ("stats", {"key": "subject"}, "This key is kept for subject metadata."),
        ("stats", {"key": "a.b"}, "'a.b' cannot be a key"),
        ("stats", {"filters.from": "two"}, "From classification must be a whole number."),
        ("stats", {"grouping.field_name": "day"}, "Divide by must name an extractor and a field"),
        ("stats", {"grouping.if_missing": "error"}, "Divide by must be given."),
        ("unique_count", {"field": ""}, "Field must be given."),
        ("summary_stats", {"summarize_field": "a."}, "Field must be a field, or an extractor"),
        ("votes", {"default_weight": "much"}, "Weight where there is none must be a number."),
        ("votes", {"weight_field": "skill"}, "Carry along, of the volunteer must be given"),
        ("swap", {"positive": "", "user_reducer_keys": "a"}, "Positive answers must be given."),
        ("external", {"url": "http://example.org/"}, "Address must be an https URL"),
        ("sqs", {}, "Name of the queue must be given, or queue_url."),
    ],
)
def test_wrong_input_comes_back_with_its_words(
    app: Flask, alice: FlaskClient, type_name: str, fields: dict[str, str], says: str
) -> None:
    sent = {"key": "mine", "operations": "mean", **fields}
    response = send(alice, f"{REDUCERS}/new?type={type_name}", **sent)
    assert response.status_code == 422
    page = page_of(response)
    assert problems(page)[0].startswith(says)
    for name, text in fields.items():
        assert typed(page, name) == text
    assert stored(app) == {}


def names(page: Element) -> set[str]:
    return {one.attributes.get("name", "") for one in page.all("input", "select")}


def test_what_makes_no_sense_is_absent(app: Flask, alice: FlaskClient) -> None:
    path = f"{REDUCERS}/new?type=stats"
    page = visit(alice, path)
    assert {"filters.from", "filters.to", "user_reducer_keys"} <= names(page) | {
        "user_reducer_keys"
    }
    assert "only the last one counts" in page.text
    running = {
        "key": "kept",
        "reduction_mode": "running_reduction",
        "topic": "reduce_by_user",
        "shown_for": typed(page, "shown_for"),
    }
    page = page_of(send(alice, path, **running))  # its fields are others now
    assert "Nothing is saved yet: the form has other fields now." in page.text
    assert stored(app) == {}
    assert typed(page, "key") == "kept"
    assert not {"filters.from", "filters.to"} & names(page)
    assert "only the last one counts" not in page.text
    assert "One of the latest volunteers" in page.text
    running["shown_for"] = typed(page, "shown_for")
    assert send(alice, path, **running).status_code == 302
    assert stored(app)["kept"].reduction_mode == "running_reduction"
    pushed = names(visit(alice, f"{REDUCERS}/new?type=placeholder"))
    assert not [name for name in pushed if name.startswith(("filters", "grouping", "reduction"))]


def test_trying_shows_each_step_and_writes_nothing(app: Flask, alice: FlaskClient) -> None:
    for id in (1, 2):
        arrive(app, id, user=5, annotations=[{"task": "T0", "value": id}])
    arrive(app, 3, annotations=[])
    with app.app_context():
        process()
        before = db.session.scalar(select(func.max(Revision.id)))
        reductions = db.session.scalar(select(func.count()).select_from(SubjectReduction))
    path = f"{REDUCERS}/new?type=stats"
    fields = {"filters.extractor_keys": "answers", "latest": "1", "try": "1"}
    tried = words(page_of(send(alice, path, **fields)), "tried")
    assert "a later classification of the same volunteer" in tried
    assert "not one of the extractors" in tried
    assert '"1": 1' in tried
    grouped = {**fields, "grouping.field_name": "answers.1"}
    tried = words(page_of(send(alice, path, **grouped)), "tried")
    assert "Subgroup 1" in tried
    assert "it has no answers.1" in tried
    by_user = {"topic": "reduce_by_user", "sample": "5", "try": "1"}
    tried = words(page_of(send(alice, f"{REDUCERS}/new?type=count", **by_user)), "tried")
    assert '"classifications": 1' in tried  # both are of the same subject
    response = send(alice, path, sample="-1", **{"try": "1"})
    assert problems(page_of(response))[0].startswith("This must be an id")
    nothing = words(page_of(send(alice, path, sample="77", **{"try": "1"})), "tried")
    assert "There are no extracts yet" in nothing
    with app.app_context():
        assert stored(app) == {}
        assert db.session.scalar(select(func.max(Revision.id))) == before
        assert db.session.scalar(select(func.count()).select_from(SubjectReduction)) == reductions


def test_renaming_takes_rules_along(app: Flask, alice: FlaskClient) -> None:
    make(alice, "stats", "old")
    condition = ["gt", ["lookup", "old.1", 0], ["const", 4]]
    with app.app_context(), db.session.begin():
        rules = [{"if": condition, "then": []}]
        give(db.session(), db.session.get_one(Workflow, 100), {"rules_config": rules})
    path = f"{REDUCERS}/{id_of(app, 'old')}"
    assert "rule 1 for subjects:" in visit(alice, path).text
    assert "rule 1 for subjects:" in visit(alice, f"{path}/remove").text
    assert send(alice, path, key="new", rename="y").status_code == 302
    with app.app_context():
        (kept,) = db.session.scalars(select(SubjectRule.condition).filter_by(workflow_id=100))
    assert '"new.1"' in kept
    assert send(alice, f"{path}/remove").location == REDUCERS
    assert stored(app) == {}


@pytest.mark.parametrize("home", [REDUCERS, OF_PROJECT])
def test_a_reducer_that_was_removed_meanwhile_becomes_a_new_one(
    app: Flask, alice: FlaskClient, home: str
) -> None:
    type_name = "Project" if home == OF_PROJECT else "Workflow"
    made = send(alice, f"{home}/new?type=stats", key="old", **{"filters.from": "1"})
    assert made.status_code == 302
    path = f"{home}/{stored(app, type_name)['old'].id}"
    mine = {**filled(part_form(visit(alice, path))), "key": "mine"}
    assert send(alice, f"{path}/remove").status_code == 302
    response = alice.post(path, data=mine, headers=BROWSER)
    assert response.status_code == 422
    page = page_of(response)
    assert problems(page)[0].startswith("Somebody has removed this reducer since you opened it.")
    assert (typed(page, "key"), typed(page, "filters.from")) == ("mine", "1")
    assert stored(app, type_name) == {}
    form = part_form(page)
    saved = alice.post(form.attributes["action"], data=filled(form), headers=BROWSER)
    assert saved.status_code == 302
    assert stored(app, type_name)["mine"].filters == {"from": 1}


def test_extractors_that_are_not_there_are_told(app: Flask, alice: FlaskClient) -> None:
    make(alice, "stats", "sums", **{"filters.extractor_keys": "gone"})
    warning = "It looks at the extractor gone, which is not there."
    assert warning in visit(alice, REDUCERS).text
    page = visit(alice, f"{REDUCERS}/{id_of(app, 'sums')}")
    assert warning in page.text
    assert "gone (not there)" in page.text


def test_what_could_not_be_added_is_told(app: Flask, alice: FlaskClient) -> None:
    make(alice, "stats", "sums")
    common: dict[str, Any] = {"reducible_type": "Workflow", "reducible_id": 100, **AT}
    with app.app_context(), db.session.begin():
        for subject, key, left_out in [(1, "sums", 3), (2, "sums", 0), (3, "other", 9)]:
            store = {"left_out": left_out} if left_out else None
            row = SubjectReduction(
                **common, subject_id=subject, reducer_key=key, data={}, store=store
            )
            db.session.add(row)
    page = visit(alice, f"{REDUCERS}/{id_of(app, 'sums')}")
    assert "3 values could not be added up, in 1 of its latest 2 reductions" in page.text


def test_reducers_of_a_project(app: Flask, alice: FlaskClient) -> None:
    assert "Reducers combine" in visit(alice, OF_PROJECT).text
    page = visit(alice, f"{OF_PROJECT}/new?type=stats")
    assert "answers" in page.text
    response = send(alice, f"{OF_PROJECT}/new?type=stats", key="everywhere")
    assert response.location == OF_PROJECT
    assert list(stored(app, "Project")) == ["everywhere"]
    assert stored(app) == {}
    path = f"{OF_PROJECT}/{id_of(app, 'everywhere')}"
    assert "everywhere" in visit(alice, OF_PROJECT).text
    assert visit(alice, path).all("h1")[0].text == "everywhere"
    visit(alice, path.replace(OF_PROJECT, REDUCERS), status=404)
    visit(alice, path.replace("/projects/10", "/projects/20"), status=404)
    assert send(alice, f"{path}/remove").location == OF_PROJECT
    assert stored(app, "Project") == {}


def test_b33_a_key_that_none_could_have_now_may_stay(app: Flask, alice: FlaskClient) -> None:
    owner = {"reducible_type": "Workflow", "reducible_id": 100}
    with app.app_context(), db.session.begin():
        db.session.add(Reducer(id=77, **owner, key="a.b c", type="count", **AT))
    path = "/workflows/100/reducers/77"
    fields = {"topic": "reduce_by_user", "reduction_mode": "default_reduction"}
    assert send(alice, path, key="a.b c", **fields).status_code == 302
    page = page_of(send(alice, path, key="a.c", **fields))
    assert "'a.c' cannot be a key" in problems(page)[0]
    with app.app_context():
        row = db.session.get_one(Reducer, 77)
        assert (row.key, row.topic) == ("a.b c", "reduce_by_user")


def test_foreign_ids_are_not_there(app: Flask, alice: FlaskClient) -> None:
    owners = [("Workflow", 300), ("Project", 30)]
    with app.app_context(), db.session.begin():
        for type_name, id in owners:
            row = Reducer(reducible_type=type_name, reducible_id=id, key="x", type="stats", **AT)
            db.session.add(row)
    with app.app_context():
        ids = db.session.scalars(select(Reducer.id)).all()
    for id in ids:
        for where in ("workflows/100", "workflows/300", "projects/10", "projects/30"):
            visit(alice, f"/{where}/reducers/{id}", status=404)
            visit(alice, f"/{where}/reducers/{id}/remove", status=404)
    visit(alice, "/projects/30/reducers", status=404)


def test_a_row_is_added_and_nothing_saved(app: Flask, alice: FlaskClient) -> None:
    given = {"answers-name": "small", "answers-path": "HOG"}
    page = make(alice, "votes", "pigs", more="1", **given)
    assert page is not None
    rows = [one for one in page.all("input") if one.attributes.get("name") == "answers-name"]
    assert [one.attributes.get("value") for one in rows] == ["small", ""]
    assert "pigs" not in stored(app)
