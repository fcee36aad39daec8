"""SWAP on pages: the matrix of a volunteer, and the trajectory of a subject."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from caesar_web.store.db import db
from caesar_web.store.timelines import Reduction
from caesar_web.web.swap_shown import matrices, trajectories
from tests.factories import make_event, make_workflow
from tests.pages import Element, visit
from tests.people import sign_in
from tests.pipeline.steps import process, receive
from tests.pipeline.test_swap import WITH_SWAP
from tests.served import three_projects
from tests.standin.server import StandinServer

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TRAINED, NEW = 11, 12
KNOWN, UNKNOWN = 70, 71
TYPES = {"swap": "swap", "skill": "swap_skill"}


@pytest.fixture
def alice(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[FlaskClient]:
    """TRAINED is right about three positive subjects and says positive of UNKNOWN, as does NEW."""
    with three_projects(new_database("sqlite"), standin) as app:
        with app.app_context():
            with db.session.begin():
                make_workflow(db.session(), 101, **WITH_SWAP)
            gold = {"#training_subject": "true", "#feedback_1_answer": "0"}
            for id in range(3):
                _arrive(id + 1, KNOWN - id, TRAINED, subject_metadata=gold)
            _arrive(4, UNKNOWN, TRAINED)
            _arrive(5, UNKNOWN, NEW)
        client = app.test_client()
        sign_in(client, "alice")
        yield client


def _arrive(id: int, subject: int, user: int, **more: Any) -> None:
    receive([make_event(id, workflow=101, subject=subject, user=user, **more)])
    process(101)


def section(page: Element, id: str) -> Element:
    (found,) = [one for one in page.all("section") if one.attributes["aria-labelledby"] == id]
    return found


def test_a_volunteers_matrix(alice: FlaskClient) -> None:
    shown = section(visit(alice, f"/workflows/101/users/{TRAINED}"), "matrix-1")
    assert "Confusion matrix of skill" in shown.text
    assert "3 in all" in shown.text
    rows = [row.text for row in shown.all("tbody")[0].all("tr")]
    assert rows == ["positive 3 0 0.8", "negative 0 0 0.5"]
    beginner = section(visit(alice, f"/workflows/101/users/{NEW}"), "matrix-1")
    assert "positive 0 0 0.5" in beginner.text


def test_a_subjects_trajectory(alice: FlaskClient) -> None:
    page = visit(alice, f"/workflows/101/subjects/{UNKNOWN}")
    shown = section(page, "trajectory-1")
    (plot,) = shown.all("svg")
    words = "Likelihood 0.2 after 0 answers, about 0.286 after 2 answers"
    assert plot.attributes["aria-label"] == words  # 0.2 of 0.8 to 0.5, and then a guess
    assert len(plot.all("circle")) == 3
    (line,) = plot.all("polyline")
    assert line.attributes["points"] == "40.0,140.0 315.0,126.3 590.0,126.3"
    assert [one.text for one in shown.all("li")] == [
        "after 0: 0.2",
        "after 1: about 0.286",
        "after 2: about 0.286",
    ]
    assert not [one for one in page.walk() if "style" in one.attributes]


def test_nothing_of_swap_stands_where_there_is_none(alice: FlaskClient) -> None:
    assert "Confusion matrix" not in visit(alice, f"/workflows/101/subjects/{UNKNOWN}").text
    assert "Trajectory" not in visit(alice, f"/workflows/101/users/{TRAINED}").text


def reduction(key: str, data: Any) -> Reduction:
    return Reduction(key, "_default", data, NOON)


@pytest.mark.parametrize(
    "data",
    [
        None,
        7,
        {},
        {"trajectory": 1},
        {"trajectory": ["x", 7, -1, True], "num_classifications": 4},
        {"trajectory": [0.5]},
        {"p_positive": 1},
    ],
)
def test_what_a_program_has_pushed_in_need_not_be_of_swap(data: Any) -> None:
    found = [reduction("swap", data), reduction("skill", data)]
    assert trajectories(found, TYPES) == []
    assert matrices(found, TYPES) == []


def test_a_long_trajectory_says_which_answers_are_its_own() -> None:
    data = {"trajectory": [0.5] * 100, "num_classifications": 250}
    (shown,) = trajectories([reduction("swap", data)], TYPES)
    assert (shown.points[0].answers, shown.points[-1].answers) == (151, 250)
