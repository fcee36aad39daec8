"""The aggregation library as extractors and reducers: what comes of it, and what it refuses."""

import json
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from caesar_web.config import Config
from caesar_web.domain.library_options import MEANS
from caesar_web.external import aggregation
from caesar_web.external.aggregation import AggregationMissing
from caesar_web.jobs import asking
from caesar_web.store.activity import ExternalWork, Light
from caesar_web.store.db import db
from caesar_web.store.results import Extract, SubjectReduction
from tests.conftest import plain_config
from tests.factories import make_event, make_workflow
from tests.people import application, at_panoptes
from tests.pipeline.steps import process, receive
from tests.standin.server import StandinServer

needs_library = pytest.mark.skipif(
    find_spec("panoptes_aggregation") is None, reason="the extra aggregation is not installed"
)
RECTANGLE = {"x": 10, "y": 20, "width": 30, "height": 40, "tool": 0, "frame": 0, "details": []}


@pytest.fixture
def config(database_url: str, standin: StandinServer) -> Config:
    config = plain_config(database_url=database_url, http_to_loopback=True)
    return at_panoptes(config, standin)


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    with application(config) as app, app.app_context():
        yield app


def configure(extractors: Any, reducers: Any) -> None:
    with db.session.begin():
        make_workflow(db.session(), 100, extractors_config=extractors, reducers_config=reducers)
    db.session.remove()


def come_in(*annotations: Any) -> None:
    events = []
    for id, one in enumerate(annotations, start=1):
        event = make_event(id, user=id)
        event["data"]["annotations"] = one
        events.append(event)
    receive(events)
    process()
    for _ in range(2):
        asking.ask(MEANS)


def extracts(key: str) -> list[Any]:
    rows = db.session.scalars(select(Extract).filter_by(extractor_key=key).order_by(Extract.id))
    found = [row.data for row in rows]
    db.session.remove()
    return found


def reduction(key: str) -> Any:
    row = db.session.scalars(select(SubjectReduction).filter_by(reducer_key=key)).one()
    data = row.data
    db.session.remove()
    return data


def work() -> list[tuple[str, str | None]]:
    rows = db.session.scalars(select(ExternalWork))
    found = [(row.status, row.last_error) for row in rows]
    db.session.remove()
    return found


def without_version(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name != "aggregation_version"}


@needs_library
def test_a_question_extracted_and_reduced_by_the_library(app: Flask) -> None:
    configure(
        {
            "q": {
                "type": "aggregation",
                "name": "question_extractor",
                "parameters": {"task": "T0"},
            }
        },
        {"votes": {"type": "aggregation", "name": "question_reducer"}},
    )
    come_in(*([{"task": "T0", "value": answer}] for answer in ("Yes", "Yes", "No")))
    assert [without_version(one) for one in extracts("q")] == [{"yes": 1}, {"yes": 1}, {"no": 1}]
    assert without_version(reduction("votes")) == {"yes": 2, "no": 1}
    assert work() == []


@needs_library
def test_rectangles_that_people_drew(app: Flask) -> None:
    configure(
        {"drawn": {"type": "shape", "shape": "rectangle"}},
        {"agreed": {"type": "rectangle", "min_samples": 2}},
    )
    come_in(*([{"task": "T0", "value": [RECTANGLE]}] for _ in range(3)))
    first = without_version(extracts("drawn")[0])
    assert first == {
        "frame0": {
            "T0_tool0_x": [10.0],
            "T0_tool0_y": [20.0],
            "T0_tool0_width": [30.0],
            "T0_tool0_height": [40.0],
        }
    }
    clusters = reduction("agreed")["frame0"]
    assert clusters["T0_tool0_clusters_count"] == [3]
    assert clusters["T0_tool0_clusters_x"] == [10.0]


@needs_library
def test_what_the_library_refuses_is_not_asked_again(app: Flask) -> None:
    configure({"n": {"type": "aggregation", "name": "nfn_extractor"}, "who": {"type": "who"}}, {})
    come_in([{"task": "T0", "value": 1}])
    ((status, error),) = work()
    assert status == "failed"
    assert (error or "").startswith("nfn_extractor: ")
    light = db.session.scalars(select(Light).filter_by(kind="extractor")).one()
    assert light.outcomes == "x"
    db.session.remove()
    assert extracts("who") == [{"user_id": 1}]


def test_without_the_library_its_work_waits_and_says_what_to_install(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Any:
        raise AggregationMissing("the aggregation library is not installed")

    monkeypatch.setattr(aggregation, "load", missing)
    configure({"drawn": {"type": "shape", "shape": "rectangle"}}, {})
    come_in([{"task": "T0", "value": [RECTANGLE]}])
    assert work() == [("waiting", "the aggregation library is not installed")]


def test_a_service_can_be_asked_instead(config: Config, standin: StandinServer) -> None:
    url = f"{standin.url}/hook"
    with application(replace(config, aggregation_url=url)) as app, app.app_context():
        standin.answer_hook("extractors/shape_extractor", json={"frame0": {"x": [1]}})
        standin.answer_hook("reducers/rectangle_reducer", json={"frame0": {"n": 3}})
        configure(
            {"drawn": {"type": "shape", "shape": "circle", "task_key": "T3"}},
            {"agreed": {"type": "rectangle", "eps": 7}},
        )
        come_in([{"task": "T3", "value": []}])
        assert extracts("drawn") == [{"frame0": {"x": [1]}}]
        assert reduction("agreed") == {"frame0": {"n": 3}}
        asked = {one["name"]: one for one in standin.hooks()}
        assert json.loads(asked["extractors/shape_extractor"]["body"])["id"] == 1
        assert set(asked["extractors/shape_extractor"]["query"].split("&")) == {
            "shape=circle",
            "task=T3",
        }
        assert "eps=7.0" in asked["reducers/rectangle_reducer"]["query"]
