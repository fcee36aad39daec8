"""Every kind of task of the sample world: what volunteers answer is found, and decided on."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from importlib.util import find_spec
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import func, select

from caesar_web.domain.library_options import MEANS
from caesar_web.domain.proposals import accepted, propose
from caesar_web.domain.tasks import read_tasks
from caesar_web.jobs import asking, tasks
from caesar_web.pipeline.workflows import add, describe
from caesar_web.standin import demo, marks
from caesar_web.standin.answers import truths
from caesar_web.standin.stream_events import Event, Row
from caesar_web.standin.volunteers import classifications, nature_of
from caesar_web.store.activity import ExternalWork
from caesar_web.store.db import db
from caesar_web.store.results import SubjectReduction
from tests.conftest import plain_config
from tests.factories import give
from tests.people import ROOT, application, at_panoptes
from tests.pipeline.steps import process, receive
from tests.standin.server import StandinServer

CONFIGURATIONS = Path(demo.__file__).parent / "configurations"
BEGINNING = datetime(2026, 5, 1, tzinfo=UTC)
IN_BATCH = 25
EVENTS = 150
ENOUGH = 15  # looks at a subject, after which it is decided on whatever was said
NEAR = 8.0  # a hand is unsteady by that much, and the middle of several less
Reductions = Mapping[str, Any]
Truths = Mapping[str, Any]

needs_library = pytest.mark.skipif(
    find_spec("panoptes_aggregation") is None, reason="the extra aggregation is not installed"
)


@dataclass(frozen=True)
class Looked:
    """A subject that was looked at often: what is truly on it, and what came of the answers."""

    id: str
    right: Truths
    reductions: Reductions


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    config = at_panoptes(plain_config(database_url=new_database("sqlite")), standin)
    with application(config) as app, app.app_context():
        yield app
        tasks.panoptes().close()


def is_answered(looked: Looked) -> bool:
    return bool(looked.reductions["consensus"]["most_likely"] == str(looked.right["T0"]))


def is_named(looked: Looked) -> bool:
    choices = sorted(one["choice"] for one in looked.right["T0"])
    return bool(looked.reductions["consensus"]["most_likely"] == "+".join(choices))


def is_written(looked: Looked) -> bool:
    """But for the ends of lines, and a word here and there. Nobody writes what is not there."""
    wanted, reductions = " ".join(looked.right["T0"].split()), looked.reductions
    if not wanted:
        return bool(reductions["blanks"]["blank"] >= ENOUGH / 2)
    read = reductions["aligned"]["consensus_text"]
    alike = SequenceMatcher(None, wanted, read, autojunk=False).ratio()
    return alike > 0.95 and reductions["completeness"]["most_likely"] == str(looked.right["T1"])


def is_told(looked: Looked) -> bool:
    """All members of the combo task."""
    right, reductions = looked.right, looked.reductions
    return bool(
        reductions["kind"]["most_likely"] == str(right["T0"])
        and reductions["things"]["most_likely"] == "+".join(map(str, right["T1"]))
        and reductions["legible"]["median"] == float(right["T2"])
    )


def is_pointed_at(looked: Looked) -> bool:
    return all_are_found(looked, "marked", lambda x, y: {"x": x, "y": y}, ("x", "y"))


def is_boxed(looked: Looked) -> bool:
    names = ("x", "y", "width", "height")
    return all_are_found(looked, "animals", lambda *box: dict(zip(names, box, strict=True)), names)


def is_outlined(looked: Looked) -> bool:
    def outline(xs: Sequence[float], ys: Sequence[float]) -> marks.Mark:
        closed = zip(xs, ys, strict=True)
        return {"points": [{"x": x, "y": y} for x, y in list(closed)[:-1]]}

    return all_are_found(looked, "galaxies", outline, ("x", "y"))


def all_are_found(
    looked: Looked, reducer: str, mark: Callable[..., marks.Mark], names: Sequence[str]
) -> bool:
    """Each true mark is near the middle of one cluster of its tool, and there is no other."""
    found = looked.reductions[reducer].get("frame0", {})
    for tool in (0, 1):
        true = [one for one in looked.right["T0"] if one["tool"] == tool]
        columns = [found.get(f"T0_tool{tool}_clusters_{name}", []) for name in names]
        clusters = [mark(*values) for values in zip(*columns, strict=True)]
        if len(clusters) != len(true):
            return False
        places = [marks.middle(cluster) for cluster in clusters]
        for one in true:
            if min(math.dist(marks.middle(one), place) for place in places) > NEAR:
                return False
    return True


FOUND: dict[str, tuple[int, Callable[[Looked], bool]]] = {
    "question": (100, is_answered),
    "survey": (200, is_named),
    "points": (102, is_pointed_at),
    "rectangles": (201, is_boxed),
    "polygons": (103, is_outlined),
    "text": (300, is_written),
    "combo": (301, is_told),
}


NEED_LIBRARY = {"points", "rectangles", "polygons", "text"}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[needs_library] * (kind in NEED_LIBRARY)) for kind in FOUND]
)
def test_what_volunteers_mean_is_found_and_decided_on(
    app: Flask, standin: StandinServer, kind: str
) -> None:
    workflow_id, is_found = FOUND[kind]
    configure(workflow_id)
    with requests.Session() as session:
        panoptes = demo.Standin(standin.url, session)
        panoptes.sign_in()
        workflow = panoptes.workflow(workflow_id)
        events = sample(workflow)
        work_off(events, workflow_id)
        looked = [look(workflow, subject) for subject in often_seen(workflow, events)]
    assert len(looked) >= 5
    assert [one.id for one in looked if not is_found(one)] == []
    reasons = retired(standin, workflow_id)
    assert {one.id for one in looked} <= set(reasons)
    assert "consensus" in reasons.values()
    assert [*reasons.values()].count("classification_count") < len(reasons) / 2


@needs_library
@pytest.mark.parametrize(
    ("workflow_id", "mark", "found"),
    [
        (102, "point", "frame0"),
        (103, "polygon", "frame0"),
        (201, "rectangle", "frame0"),
        (300, "text", "consensus_text"),
    ],
)
def test_what_is_offered_for_marks_finds_some(
    app: Flask, standin: StandinServer, workflow_id: int, mark: str, found: str
) -> None:
    with requests.Session() as session:
        panoptes = demo.Standin(standin.url, session)
        panoptes.sign_in()
        workflow = panoptes.workflow(workflow_id)
        proposal = propose(read_tasks(workflow.page.workflow["tasks"]))
        configure(workflow_id, accepted(proposal, {f"reducer:T0_{mark}_agreed"}))
        work_off(sample(workflow)[:40], workflow_id)
    wanted = select(SubjectReduction.data).filter_by(reducer_key=f"T0_{mark}_agreed")
    data: list[Any] = list(db.session.scalars(wanted))
    db.session.remove()
    assert data
    assert any(one.get(found) for one in data)


def configure(workflow_id: int, document: Any = None) -> None:
    """Configures a workflow as the sample world does, or with another document."""
    if document is None:
        document = json.loads((CONFIGURATIONS / f"{workflow_id}.json").read_text("utf-8"))
    description = describe(tasks.panoptes(), workflow_id)
    with db.session.begin():
        workflow = add(db.session(), description, now=BEGINNING)
        db.session.flush()
        give(db.session(), workflow, document)
    db.session.remove()


def sample(workflow: demo.Workflow) -> list[Event]:
    moments = (BEGINNING + timedelta(seconds=number) for number in count())
    stream = classifications(
        workflow.page, workflow.subjects, 1, ids=count(1), clock=lambda: next(moments)
    )
    return [*islice(stream, EVENTS)]


def work_off(events: Sequence[Event], workflow_id: int) -> None:
    for begin in range(0, len(events), IN_BATCH):
        batch = events[begin : begin + IN_BATCH]
        receive(batch)
        assert process(workflow_id) == len(batch)
        for _ in range(2):  # extracts, and the reductions that follow from them
            asking.ask(MEANS)
        assert db.session.scalar(select(func.count()).select_from(ExternalWork)) == 0
        db.session.remove()
        tasks.perform(workflow_id)


def retired(standin: StandinServer, workflow_id: int) -> dict[str, str]:
    """For what reasons the subjects are retired; the first reason stays."""
    path = f"/subject_workflow_statuses?workflow_id={workflow_id}&page_size=100"
    found = standin.api("GET", f"{path}&admin=true", token=standin.token(ROOT)).json()
    rows = found["subject_workflow_statuses"]
    return {row["links"]["subject"]: row["retirement_reason"] for row in rows}


def often_seen(workflow: demo.Workflow, events: Sequence[Event]) -> Iterator[Row]:
    shown = [event["data"]["links"]["subjects"][0] for event in events]
    for subject in workflow.subjects:
        if shown.count(subject["id"]) >= ENOUGH:
            yield subject


def look(workflow: demo.Workflow, subject: Row) -> Looked:
    reductions = select(SubjectReduction).filter_by(subject_id=int(subject["id"]))
    found = {row.reducer_key: row.data for row in db.session.scalars(reductions)}
    db.session.remove()
    asked = workflow.page.workflow
    right = truths(asked["tasks"], subject["metadata"], nature_of(asked["id"], subject["id"]))
    return Looked(subject["id"], right, found)
