"""What pages offer to choose from: as the caller, remembered for a minute, and without Panoptes."""

import logging
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from flask import Flask

from caesar_web.access import choices, parts
from caesar_web.access.choices import Choice, Choices, WorkflowChoice, WorkflowChoices
from caesar_web.access.permissions import NotSignedIn
from caesar_web.access.remembering import Memory
from tests.api.test_reads import NO_OTHER_DATABASE
from tests.people import ALICE, BOB, DAVE, ROOT, PassingTime, bearer
from tests.standin.server import StandinServer

pytestmark = NO_OTHER_DATABASE

LISTS = "^/api/(projects|workflows|subject_sets|collections)$"


@pytest.fixture
def ask(app: Flask, standin: StandinServer) -> "Ask":
    return Ask(app, standin)


class Ask:
    """Asks for choices as somebody does who opens one page after the other."""

    def __init__(self, app: Flask, standin: StandinServer) -> None:
        self._app = app
        self._standin = standin
        self._headers: dict[int, dict[str, str]] = {}

    def sets(self, user_id: int, *project_ids: int) -> Choices:
        with self._page(user_id):
            return choices.subject_sets(project_ids)

    def workflows(self, user_id: int, *project_ids: int) -> Choices:
        with self._page(user_id):
            return choices.workflows(project_ids)

    def collections(self, user_id: int) -> Choices:
        with self._page(user_id):
            return choices.collections()

    def to_add(self, user_id: int) -> WorkflowChoices:
        with self._page(user_id):
            return choices.workflows_to_add()

    def all_at_once(self, user_id: int) -> list[str | None]:
        with self._page(user_id):
            found = (choices.subject_sets([10]), choices.collections(), choices.workflows([10]))
            return [each.problem for each in found]

    def _page(self, user_id: int) -> AbstractContextManager[object]:
        if user_id not in self._headers:
            self._headers[user_id] = bearer(self._standin, user_id)
        return self._app.test_request_context(headers=self._headers[user_id])


def test_subject_sets(ask: Ask) -> None:
    assert ask.sets(ALICE, 20, 10) == Choices(
        (
            Choice(23, "Lions", "Camera Survey, 0 subjects"),
            Choice(22, "Needs expert", "Camera Survey, 0 subjects"),
            Choice(21, "Season 4", "Camera Survey, 200 subjects"),
            Choice(13, "Deep fields", "Galaxy Demo, 200 subjects"),
            Choice(11, "Hard cases", "Galaxy Demo, 40 subjects"),
            Choice(7, "Set A", "Galaxy Demo, 200 subjects"),
        ),
        is_whole=True,
    )


def test_workflows_to_promote_to(ask: Ask) -> None:
    assert ask.workflows(ALICE, 10).options == (
        Choice(103, "How far does it reach?", "Galaxy Demo"),
        Choice(100, "Is it a galaxy?", "Galaxy Demo"),
        Choice(102, "What is in front?", "Galaxy Demo"),
        Choice(101, "What shape is it?", "Galaxy Demo"),
    )


def test_collections_and_nothing_of_projects_of_others(ask: Ask) -> None:
    assert ask.collections(ALICE).options == (
        Choice(6, "Loose ends", "yours"),
        Choice(12, "Best portraits", "Camera Survey, yours"),
        Choice(5, "Keepers", "Galaxy Demo, yours"),
        Choice(9, "Odd finds", "Galaxy Demo"),
    )
    assert ask.collections(DAVE).options == (Choice(9, "Odd finds", "Council Minutes, yours"),)
    assert ask.collections(BOB) == Choices((), is_whole=True)


def test_workflows_to_add(ask: Ask) -> None:
    assert ask.to_add(ALICE) == WorkflowChoices(
        (
            WorkflowChoice(201, "Where are the animals?", 20, "Camera Survey", is_here=False),
            WorkflowChoice(200, "Which animals are here?", 20, "Camera Survey", is_here=True),
            WorkflowChoice(103, "How far does it reach?", 10, "Galaxy Demo", is_here=False),
            WorkflowChoice(100, "Is it a galaxy?", 10, "Galaxy Demo", is_here=True),
            WorkflowChoice(102, "What is in front?", 10, "Galaxy Demo", is_here=False),
            WorkflowChoice(101, "What shape is it?", 10, "Galaxy Demo", is_here=False),
        ),
        is_whole=True,
    )
    assert ask.to_add(BOB) == WorkflowChoices((), is_whole=True)
    found = ask.to_add(ROOT)
    assert [row.id for row in found.options] == [201, 200, 300, 301, 103, 100, 102, 101]


def test_what_is_somebody_elses_does_not_show(ask: Ask) -> None:
    for user_id, sets, workflows in ((ALICE, 0, 0), (BOB, 0, 0), (DAVE, 1, 2), (ROOT, 1, 2)):
        assert len(ask.sets(user_id, 30).options) == sets
        assert len(ask.workflows(user_id, 30).options) == workflows
    assert ask.sets(BOB, 10, 20) == Choices((), is_whole=True)  # public, and not bob's


def test_nobody_is_offered_nothing(app: Flask) -> None:
    for offer in (choices.collections, choices.workflows_to_add, lambda: choices.workflows([10])):
        with app.test_request_context(), pytest.raises(NotSignedIn):
            offer()


def test_remembered_for_a_minute_for_each_person(
    ask: Ask, standin: StandinServer, clock: PassingTime
) -> None:
    first = ask.sets(ALICE, 10)
    standin.clear_log()
    assert [ask.sets(ALICE, 10) for _ in range(3)] == [first] * 3
    assert standin.log(LISTS) == []
    assert ask.sets(DAVE, 10).options == ()
    assert ask.sets(ALICE, 20) != first
    standin.clear_log()
    clock.ahead = timedelta(seconds=61)
    assert ask.sets(ALICE, 10) == first
    assert len(standin.log("^/api/subject_sets$")) == 1


@pytest.mark.parametrize("fault", [{"status": 503}, {"drop": True}], ids=str)
def test_without_panoptes_there_is_a_sentence(
    ask: Ask, standin: StandinServer, clock: PassingTime, fault: dict[str, int]
) -> None:
    standin.fail("^/api", times=-1, status=fault.get("status"), drop="drop" in fault)
    for found in (ask.sets(ALICE, 10), ask.collections(ALICE), ask.workflows(ALICE, 10)):
        assert found == choices.NOTHING
        assert found.problem
    assert ask.to_add(ALICE) == choices.NO_WORKFLOWS
    standin.lift_faults()
    assert ask.sets(ALICE, 10) == choices.NOTHING
    clock.ahead = timedelta(seconds=11)
    assert ask.sets(ALICE, 10).problem is None
    assert ask.to_add(ALICE).problem is None


def test_one_page_waits_once(ask: Ask, standin: StandinServer) -> None:
    ask.to_add(ALICE)  # so that the projects are known
    standin.clear_log()
    standin.fail("^/api", times=-1, drop=True)
    assert ask.all_at_once(ALICE) == [choices.AWAY] * 3
    assert len(standin.log("^/api")) == 1


def test_tokens_are_not_logged_nor_kept(
    ask: Ask, app: Flask, standin: StandinServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    standin.fail("^/api/collections", times=-1, status=500)
    ask.sets(ALICE, 10)
    ask.collections(ALICE)
    (token,) = (headers["Authorization"].split()[1] for headers in ask._headers.values())
    assert "does without" in caplog.text
    assert token not in caplog.text
    assert token not in repr(app.extensions["caesar_parts"][Memory]._kept)


def test_a_page_gives_up_soon(app: Flask) -> None:
    with app.app_context():
        connection = parts.listings()._connection
        assert sum(connection._timeout) <= 5
        assert sum(parts.swift_panoptes()._connection._timeout) <= 5
