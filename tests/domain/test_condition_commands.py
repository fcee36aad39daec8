"""What the buttons of a condition's form do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caesar_web.domain.condition_commands import Path, carry_out, command, default_arguments
from caesar_web.domain.condition_edits import ImpossibleEdit, JSONNode
from caesar_web.domain.conditions import parse
from tests.domain.strategies import conditions

NEW = ["gte", ["lookup", "counts.0", 0], ["const", 1]]
ONE, TWO = ["const", True], ["const", False]
GROUP = ["and", ONE, TWO]

CASES = [
    (GROUP, command("add", (), "condition"), ["and", ONE, TWO, NEW], (3,), "Added a condition."),
    (GROUP, command("add", (), "group"), ["and", ONE, TWO, ["or", NEW]], (3,), "Added a group."),
    (["+", ONE], command("add", (), "value"), ["+", ONE, ["const", 0]], (2,), "Added a value."),
    (GROUP, command("remove", (1,)), ["and", TWO], (1,), "Removed."),
    (GROUP, command("remove", (2,)), ["and", ONE], (), "Removed."),
    (["and", ONE], command("remove", (1,)), ["and"], (), "Removed."),
    (GROUP, command("down", (1,)), ["and", TWO, ONE], (2,), "Moved to 2 of 2."),
    (GROUP, command("up", (2,)), ["and", TWO, ONE], (1,), "Moved to 1 of 2."),
    (GROUP, command("copy", (1,)), ["and", ONE, ONE, TWO], (2,), "Duplicated."),
    (GROUP, command("not", (1,)), ["and", ["not", ONE], TWO], (1,), "Now “not”."),
    (["not", ONE], command("not", ()), ONE, (), "No longer “not”."),
    (ONE, command("wrap", (), "or"), ["or", ONE], (), "Put into a group."),
    (["or", ONE], command("unwrap", ()), ONE, (), "Taken out of its group."),
    (GROUP, command("change", (), "not"), ["not", ONE], (), "Changed."),
    (GROUP, command("put", (2,), '["const", 1.0]'), ["and", ONE, ["const", 1.0]], (2,), "Changed."),
]


@pytest.mark.parametrize(("before", "text", "after", "focus", "said"), CASES)
def test_commands(before: JSONNode, text: str, after: JSONNode, focus: Path, said: str) -> None:
    assert carry_out(before, text, new=NEW) == (after, focus, said)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dance",
        "remove::",
        "remove:9",
        "remove:x",
        "up:1",
        "down:2",
        "add::cat",
        "add:1:condition",
        "change:1:maybe",
        "put:1:[",
        'put:1:["maybe"]',
        "put:1:" + "[" * 100_000,
    ],
)
def test_what_cannot_be_done_is_refused(text: str) -> None:
    with pytest.raises(ImpossibleEdit):
        carry_out(GROUP, text, new=NEW)


@given(conditions, st.text(max_size=20))
def test_whatever_is_sent_leaves_a_condition(condition: JSONNode, text: str) -> None:
    for verb in ("add", "remove", "up", "not", "wrap", "unwrap", "change"):
        try:
            edited = carry_out(condition, f"{verb}:{text}", new=NEW).condition
        except ImpossibleEdit:
            continue
        parse(edited)


def test_another_kind_begins_like_a_new_comparison() -> None:
    assert default_arguments(NEW) == {
        "const": [0],
        "lookup": ["counts.0", 0],
        "any": ["counts"],
        "all": ["counts"],
    }
