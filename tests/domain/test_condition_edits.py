"""Edits of conditions: the rest stays as written, and what is undone is as before."""

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from caesar_web.domain.condition_edits import (
    Changed,
    ImpossibleEdit,
    changed,
    duplicated,
    inserted,
    moved,
    negated,
    node_at,
    removed,
    replaced,
    unwrapped,
    wrapped,
)
from caesar_web.domain.conditions import SHAPES, parse
from tests.domain.strategies import conditions

A, B, C = ["lookup", "a", 0], ["int", ["const", "1"]], ["const", 1.0]
GROUP = ["and", A, B, C]


def paths(condition: list[Any]) -> list[tuple[int, ...]]:
    """The ways to all nodes."""
    first = 1 + SHAPES[condition[0]].arguments
    below = [(at, *path) for at in range(first, len(condition)) for path in paths(condition[at])]
    return [(), *below]


def written(condition: Any) -> str:
    return json.dumps(condition)


@st.composite
def places(draw: st.DrawFn) -> tuple[list[Any], tuple[int, ...]]:
    """A condition and the way to one of its nodes."""
    condition = draw(conditions)
    return condition, draw(st.sampled_from(paths(condition)))


@pytest.mark.parametrize(
    ("edited", "expected"),
    [
        (wrapped(GROUP, [2], "or"), ["and", A, ["or", B], C]),
        (wrapped(GROUP, [], "and"), ["and", GROUP]),
        (unwrapped(["and", A, ["or", B, C]], [2]), ["and", A, B, C]),
        (unwrapped(["not", A], []), A),
        (unwrapped(["gt", ["and", A], C], [1]), ["gt", A, C]),
        (duplicated(GROUP, [1]), ["and", A, A, B, C]),
        (negated(GROUP, [3]), ["and", A, B, ["not", C]]),
        (negated(["not", A], []), A),
        (removed(GROUP, [2]), ["and", A, C]),
        (removed(["or", A], [1]), ["or"]),
        (inserted(GROUP, [4], A), ["and", A, B, C, A]),
        (inserted(["or"], [1], A), ["or", A]),
        (moved(GROUP, [2], -1), ["and", B, A, C]),
        (moved(GROUP, [2], 1), ["and", A, C, B]),
        (replaced(["any", "r", A], [2], C), ["any", "r", C]),
    ],
)
def test_what_an_edit_makes(edited: Any, expected: Any) -> None:
    assert written(edited) == written(expected)


@pytest.mark.parametrize(
    ("edited", "expected"),
    [
        (changed(GROUP, [], "or"), Changed(["or", A, B, C], ())),
        (changed(GROUP, [], "not"), Changed(["not", A], (B, C))),
        (changed(GROUP, [], "any", arguments=["r"]), Changed(["any", "r", A], (B, C))),
        (changed(["any", "r", A], [], "all"), Changed(["all", "r", A], ())),
        (changed(["any", "r", A], [], "not"), Changed(["not", A], ("r",))),
        (changed(GROUP, [1], "to_f"), Changed(["and", ["to_f", A], B, C], ())),
        (
            changed(GROUP, [1], "const", arguments=[5]),
            Changed(["and", ["const", 5], B, C], ("a", 0)),
        ),
        (
            changed(GROUP, [2], "lookup", arguments=["b", ""]),
            Changed(["and", A, ["lookup", "b", ""], C], (["const", "1"],)),
        ),
        (changed(["gt", A, C], [], "lte"), Changed(["lte", A, C], ())),
        (changed(["const", None], [], "const"), Changed(["const", None], ())),
    ],
)
def test_a_change_of_kind_keeps_what_fits_and_says_what_it_loses(
    edited: Changed, expected: Changed
) -> None:
    assert written(edited) == written(expected)


@pytest.mark.parametrize(
    "edit",
    [
        lambda: node_at(GROUP, [4]),
        lambda: node_at(GROUP, [0]),
        lambda: node_at(GROUP, [-1]),
        lambda: node_at(["const", ["not", A]], [1]),
        lambda: wrapped(GROUP, [1], "any"),
        lambda: wrapped(GROUP, [1], "between"),
        lambda: unwrapped(GROUP, []),
        lambda: unwrapped(["gt", GROUP, C], [1]),
        lambda: unwrapped(["and"], []),
        lambda: unwrapped(["any", "r", A], []),
        lambda: unwrapped(GROUP, [1]),
        lambda: duplicated(GROUP, []),
        lambda: duplicated(["not", A], [1]),
        lambda: removed(GROUP, []),
        lambda: removed(["not", A], [1]),
        lambda: removed(["gt", A], [1]),
        lambda: inserted(GROUP, [], A),
        lambda: inserted(GROUP, [5], A),
        lambda: inserted(["not", A], [1], A),
        lambda: moved(GROUP, [1], -1),
        lambda: moved(GROUP, [3], 1),
        lambda: moved(GROUP, [1], 2),
        lambda: moved(GROUP, [], 1),
        lambda: moved(["any", "r", A], [2], -1),
        lambda: changed(GROUP, [1], "between"),
        lambda: changed(GROUP, [], "any"),
        lambda: changed(["and"], [], "not"),
    ],
)
def test_an_edit_that_leaves_no_condition_is_refused(edit: Any) -> None:
    with pytest.raises(ImpossibleEdit):
        edit()


@given(places(), st.sampled_from(["and", "or", "not", "to_f", "+"]))
def test_unwrapping_undoes_wrapping(place: Any, operator: str) -> None:
    condition, path = place
    before = written(condition)
    assert written(unwrapped(wrapped(condition, path, operator), path)) == before
    assert written(condition) == before


@given(places())
def test_negating_twice_is_as_before(place: Any) -> None:
    condition, path = place
    node = node_at(condition, path)
    assume(node[0] != "not" or node[1][0] != "not")  # both go, and leave what means the same
    once = negated(condition, path)
    assert written(negated(once, path)) == written(condition)
    parse(once)


@given(places())
def test_inserting_undoes_removing_and_removing_duplicating(place: Any) -> None:
    condition, path = place
    if not path or SHAPES[node_at(condition, path[:-1])[0]].most is not None:
        return
    double = duplicated(condition, path)
    parse(double)
    assert written(removed(double, path)) == written(condition)
    assert written(inserted(removed(double, path), path, node_at(double, path))) == written(double)


@given(places())
def test_moving_back_undoes_moving(place: Any) -> None:
    condition, path = place
    try:
        down = moved(condition, path, 1)
    except ImpossibleEdit:
        return
    parse(down)
    assert written(moved(down, [*path[:-1], path[-1] + 1], -1)) == written(condition)


@given(places(), st.sampled_from([*SHAPES]))
def test_a_change_of_kind_loses_nothing_silently(place: Any, operator: str) -> None:
    condition, path = place
    needed = ["r", 0][: SHAPES[operator].arguments]
    try:
        edited, lost = changed(condition, path, operator, arguments=needed)
    except ImpossibleEdit:
        return
    parse(edited)
    node, new = node_at(condition, path), node_at(edited, path)
    kept = [node] if node in new[1:] else node[1:]
    assert all(any(part is one for one in [*new, *lost, node]) for part in kept)
    assert written(replaced(edited, path, node)) == written(condition)
    if not lost and new[1:] == node[1:]:
        assert written(changed(edited, path, node[0]).condition) == written(condition)


@given(places(), st.sampled_from(["and", "not"]))
def test_what_is_not_touched_is_the_very_same(place: Any, operator: str) -> None:
    condition, path = place
    edited = wrapped(condition, path, operator)
    for other in paths(condition):
        if other[: len(path)] != path and path[: len(other)] != other:
            assert node_at(edited, other) is node_at(condition, other)
