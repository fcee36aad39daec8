"""Subjects and tasks asked of Panoptes for pages: what is kept, shown, and never asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from caesar_web.access import subjects
from caesar_web.access.renewal import PanoptesAway
from caesar_web.access.subjects import AWAY, MOST_LOCATIONS, UNKNOWN, Location, Media
from caesar_web.access.workflow_tasks import WorkflowTasks, tasks_of
from caesar_web.pipeline.ingest import take_in
from caesar_web.pipeline.subjects import NeverSeen
from caesar_web.store import queries
from caesar_web.store.db import db
from caesar_web.store.inbox import Subject
from caesar_web.store.results import Extract, SubjectReduction
from tests.api.test_reads import NO_OTHER_DATABASE
from tests.factories import JSON, START, make_event
from tests.panoptes.scripted import Reply, TokenDesk, scripted_server
from tests.people import PassingTime
from tests.standin.server import StandinServer

pytestmark = NO_OTHER_DATABASE

CLASSIFIED = {
    100: [1001, 70],
    300: [3001],
}


@pytest.fixture
def app(app: Flask) -> Flask:
    """One classification each of some subjects has come in, without their metadata."""
    with app.app_context(), db.session.begin():
        events = [
            make_event(id, subject=id, workflow=workflow_id, project=workflow_id // 10)
            | {"linked": {}}
            for workflow_id, ids in CLASSIFIED.items()
            for id in ids
        ]
        assert take_in(db.session(), events, now=START).kept == 3
    return app


def stored(app: Flask, subject_id: int) -> JSON:
    with app.app_context(), queries.reading() as session:
        row = session.get(Subject, subject_id)
        return {} if row is None else row.metadata_


def refresh(app: Flask, workflow_id: int, subject_id: int) -> None:
    with app.test_request_context():
        subjects.refresh(workflow_id, subject_id)


def media(app: Flask, workflow_id: int, subject_id: int) -> Media:
    with app.test_request_context():
        return subjects.locations_of(workflow_id, subject_id)


def tasks(app: Flask, workflow_id: int) -> WorkflowTasks:
    with app.test_request_context():
        return tasks_of(workflow_id)


@contextmanager
def answering(app: Flask, reply: Reply) -> Iterator[None]:
    """Panoptes gives this answer to everything."""
    config = app.extensions["caesar_config"]
    with scripted_server(TokenDesk(lambda seen: reply)) as server:
        app.extensions["caesar_config"] = replace(config, panoptes_url=server.url)
        yield


def test_metadata_is_taken_over(app: Flask) -> None:
    assert stored(app, 1001) == {}
    refresh(app, 100, 1001)
    found = stored(app, 1001)
    assert found["#filename"] == "cutout-1001.jpg"
    assert found["#training_subject"] is True
    with app.app_context(), queries.reading() as session:
        row = session.get(Subject, 1001)
        assert row
        assert row.is_training
        assert row.updated_at == START


def test_what_is_newer_here_stays(app: Flask) -> None:
    event = make_event(9, subject=70, subject_metadata={"site": "B"})
    event["linked"]["subjects"][0]["updated_at"] = (START + timedelta(days=1)).isoformat()
    with app.app_context(), db.session.begin():
        take_in(db.session(), [event], now=START)
    refresh(app, 100, 70)
    assert stored(app, 70) == {"site": "B"}


@pytest.mark.parametrize(
    ("workflow_id", "subject_id"), [(100, 3001), (300, 1001), (200, 70), (100, 9), (7, 70)]
)
def test_what_the_workflow_has_not_seen_is_not_asked_for(
    app: Flask, standin: StandinServer, workflow_id: int, subject_id: int
) -> None:
    with pytest.raises(NeverSeen):
        refresh(app, workflow_id, subject_id)
    assert media(app, workflow_id, subject_id) == Media((), problem=UNKNOWN)
    assert standin.log("^/api/subjects") == []
    assert stored(app, 9) == {}


def test_extracts_and_reductions_count_as_seen(app: Flask) -> None:
    with app.app_context(), db.session.begin():
        db.session.add(
            Extract(
                classification_id=1,
                classification_at=START,
                extractor_key="x",
                workflow_id=200,
                workflow_version="1.1",
                subject_id=2001,
                data={},
                created_at=START,
                updated_at=START,
            )
        )
        db.session.add(
            SubjectReduction(
                reducible_type="Workflow",
                reducible_id=200,
                reducer_key="r",
                subject_id=2002,
                subgroup="_default",
                data={},
                created_at=START,
                updated_at=START,
            )
        )
    for subject_id in (2001, 2002):
        refresh(app, 200, subject_id)
        assert stored(app, subject_id)["season"] == "4"


@pytest.mark.parametrize(
    "row",
    [
        {"id": "71"},
        {},
        {"id": "70", "metadata": [1]},
        {"id": "70", "metadata": {"a": "\0"}},
        {"id": "70", "metadata": {}, "updated_at": "soon"},
    ],
    ids=str,
)
def test_odd_subjects_are_not_kept(app: Flask, row: JSON) -> None:
    with answering(app, Reply(200, {"subjects": [row]})), pytest.raises(PanoptesAway):
        refresh(app, 100, 70)
    assert stored(app, 70) == {}


def test_a_subject_that_is_gone(app: Flask, standin: StandinServer) -> None:
    standin.fail("^/api/subjects", times=-1, status=404, message="Could not find subject")
    with pytest.raises(NeverSeen):
        refresh(app, 100, 70)
    assert media(app, 100, 70).problem == UNKNOWN


def test_where_to_see_a_subject(app: Flask, standin: StandinServer, clock: PassingTime) -> None:
    drawn = Media((Location("image/svg+xml", f"{standin.url}/media/70.svg"),))
    assert [media(app, 100, 70) for _ in range(3)] == [drawn] * 3
    assert len(standin.log("^/api/subjects/70$")) == 1
    clock.ahead = timedelta(seconds=61)
    assert media(app, 100, 70) == drawn
    assert len(standin.log("^/api/subjects/70$")) == 2


def located(app: Flask, locations: Any) -> list[str]:
    row = {"id": "70", "locations": locations}
    with answering(app, Reply(200, {"subjects": [row]})):
        found = media(app, 100, 70)
    assert found.problem is None
    return [location.url for location in found.locations]


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "https://a.example/1.jpg",
        ["https://a.example/1.jpg"],
        [{"image/jpeg": None}],
        [{"image/jpeg": ["https://a.example/1.jpg"]}],
        [{"image/jpeg": "http://a.example/1.jpg"}],
        [{"image/jpeg": "javascript:alert(1)"}],
        [{"image/jpeg": "data:image/png;base64,AAAA"}],
        [{"image/jpeg": "//a.example/1.jpg"}],
        [{"image/jpeg": "https:///1.jpg"}],
        [{"image/jpeg": "https://a.example/1 2.jpg"}],
        [{"image/jpeg": "https://a.example/\n"}],
        [{"image/jpeg": "https://[a/1.jpg"}],
        [{"image/jpeg": "https://a.example/" + "a" * 2000}],
        [{"<img>": "https://a.example/1.jpg"}],
        [{"": "https://a.example/1.jpg"}],
    ],
    ids=lambda odd: str(odd)[:50],
)
def test_odd_locations_are_left_out(app: Flask, odd: Any) -> None:
    assert located(app, odd) == []


def test_locations_are_twenty_at_most(app: Flask) -> None:
    given = [{"image/jpeg": f"https://a.example/{number}.jpg"} for number in range(30)]
    found = located(app, [{"image/jpeg": "http://a.example/1.jpg"}, *given])
    assert found == [f"https://a.example/{number}.jpg" for number in range(MOST_LOCATIONS)]


@pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}], ids=str)
def test_without_panoptes(
    app: Flask, standin: StandinServer, clock: PassingTime, fault: dict[str, int]
) -> None:
    standin.fail("^/api", times=-1, status=fault.get("status"), drop="drop" in fault)
    with pytest.raises(PanoptesAway):
        refresh(app, 100, 70)
    assert media(app, 100, 70) == Media((), problem=AWAY)
    found = tasks(app, 100)
    assert (found.tasks, found.version) == ((), None)
    assert found.problem
    standin.lift_faults()
    clock.ahead = timedelta(seconds=11)
    assert media(app, 100, 70).problem is None
    assert tasks(app, 100).problem is None


def test_the_tasks_of_a_workflow(app: Flask, standin: StandinServer, clock: PassingTime) -> None:
    found = tasks(app, 100)
    assert (found.version, found.problem) == ("12.10", None)
    assert [(task.key, task.kind) for task in found.tasks] == [("T0", "single")]
    assert found.tasks[0].answers[1].label == "No, a star"
    assert [tasks(app, 300).tasks[0].kind, tasks(app, 100)] == ["text", found]
    assert len(standin.log("^/api/workflows/100$")) == 1
    clock.ahead = timedelta(seconds=61)
    assert tasks(app, 100) == found
    assert len(standin.log("^/api/workflows/100$")) == 2


@pytest.mark.parametrize("odd", [None, 7, "T0", [], [{}], {"T0": None}, {"\0": {}}], ids=str)
def test_odd_tasks_are_no_tasks(app: Flask, odd: Any) -> None:
    row = {"id": "100", "tasks": odd, "strings": odd, "version": odd}
    with answering(app, Reply(200, {"workflows": [row]})):
        assert tasks(app, 100) == WorkflowTasks((), None)
