"""Promotion: when a volunteer moves up, and what is asked and written for it."""

import json
from typing import Any

import pytest

from caesar_web.panoptes.client import Panoptes
from caesar_web.panoptes.errors import PanoptesError
from tests.panoptes.scripted import Reply, Scripted, Seen, TokenDesk, scripted_server

USER, PROJECT, CURRENT, TARGET = 3, 10, 100, 101
UPDATE = "/api/project_preferences/update_settings"


class Ladder:
    """A script: workflows with levels, and one volunteer's preferences."""

    def __init__(self, workflows: dict[int, Any], rows: list[Any]) -> None:
        self.workflows = workflows
        self.rows = rows

    def __call__(self, seen: Seen) -> Reply:
        if seen.path == UPDATE:
            return Reply(body={"project_preferences": []})
        if seen.path == "/api/project_preferences":
            return Reply(body={"project_preferences": self.rows})
        workflow_id = int(seen.path.removeprefix("/api/workflows/"))
        if workflow_id not in self.workflows:
            message = f"Could not find workflow with id='{workflow_id}'"
            return Reply(404, {"errors": [{"message": message}]})
        row = {"id": str(workflow_id), "configuration": self.workflows[workflow_id]}
        return Reply(body={"workflows": [row]})


def promote(workflows: dict[int, Any], rows: list[Any]) -> tuple[bool, Scripted]:
    with scripted_server(TokenDesk(Ladder(workflows, rows))) as server:
        panoptes = Panoptes(server.url, "caesar", "the-secret")
        changed = panoptes.promote(USER, project_id=PROJECT, workflow_id=TARGET)
        assert len(server.asked(UPDATE)) == int(changed)
    return changed, server


def between(current: Any, target: Any) -> bool:
    rows = [{"id": "900", "settings": {"workflow_id": str(CURRENT)}}]
    return promote({CURRENT: {"level": current}, TARGET: {"level": target}}, rows)[0]


@pytest.mark.parametrize(
    ("current", "target"),
    [("1", "2"), (1, 2), ("9", "10"), (" 1 ", "2\n"), (None, "1"), ("expert", 1), ("-1", "0")],
)
def test_up(current: Any, target: Any) -> None:
    assert between(current, target)


@pytest.mark.parametrize(
    ("current", "target"),
    [
        ("2", "1"),
        (2, "2"),
        ("10", "9"),
        ("1", None),
        (0, "high"),
        (0, True),
        (0, 1.5),
        (0, [2]),
        ("0", "1_000"),
        (0, "9" * 5000),
    ],
)
def test_not_up(current: Any, target: Any) -> None:
    assert not between(current, target)


@pytest.mark.parametrize("configuration", [None, {}, [], "level"])
def test_a_workflow_without_a_level_is_on_level_0(configuration: Any) -> None:
    rows = [{"settings": {"workflow_id": CURRENT}}]
    assert promote({CURRENT: configuration, TARGET: {"level": "1"}}, rows)[0]
    assert not promote({CURRENT: {"level": "0"}, TARGET: configuration}, rows)[0]


@pytest.mark.parametrize(
    "row",
    [{}, {"settings": None}, {"settings": {}}, {"settings": []}]
    + [{"settings": {"workflow_id": current}} for current in (None, "", "none", True, [CURRENT])],
)
def test_no_current_workflow_is_level_0(row: Any) -> None:
    changed, server = promote({TARGET: {"level": "1"}}, [row])
    assert changed
    assert not promote({TARGET: {"level": "0"}}, [row])[0]
    assert [request.path for request in server.seen if "workflows" in request.path] == [
        f"/api/workflows/{TARGET}"
    ]


def test_what_is_asked_and_written() -> None:
    rows = [{"id": "900", "settings": {"workflow_id": CURRENT, "designator": {"x": 1}}}]
    _, server = promote({CURRENT: {"level": "1"}, TARGET: {"level": "2"}}, rows)
    (preferences,) = server.asked("/api/project_preferences")
    assert preferences.query == {"admin": ["true"], "project_id": ["10"], "user_id": ["3"]}
    (update,) = server.asked(UPDATE)
    assert (update.method, update.query) == ("POST", {"admin": ["true"]})
    assert json.loads(update.body) == {
        "project_preferences": {
            "user_id": USER,
            "project_id": PROJECT,
            "settings": {"workflow_id": str(TARGET)},
        }
    }


def test_without_preferences_there_is_nobody_to_promote() -> None:
    with pytest.raises(PanoptesError) as caught:
        promote({TARGET: {"level": "2"}}, [])
    expected = "User 3 has no preferences in project 10 to promote them in"
    assert (caught.value.message, caught.value.permanent) == (expected, True)


def test_a_current_workflow_that_is_gone_holds_nobody_back() -> None:
    rows = [{"settings": {"workflow_id": str(CURRENT)}}]
    assert promote({TARGET: {"level": "1"}}, rows)[0]


def test_a_target_that_is_gone_is_an_error() -> None:
    rows = [{"settings": {"workflow_id": str(CURRENT)}}]
    with pytest.raises(PanoptesError) as caught:
        promote({CURRENT: {"level": "1"}}, rows)
    assert caught.value.message == f"Could not find workflow with id='{TARGET}'"
    assert caught.value.permanent
