"""What there is to mark: in the picture, apart from each other, and drawn near where it is."""

import math
from itertools import combinations
from random import Random

import pytest

from caesar_web.standin import marks
from caesar_web.standin.marks import SHAPES, by_hand, middle, mistaken, there

TASK = {"type": "drawing", "tools": [{"type": shape} for shape in SHAPES]}


@pytest.mark.parametrize("seed", range(20))
def test_what_is_there_is_in_the_picture_and_apart(seed: int) -> None:
    found = there(TASK, Random(seed))
    assert found == there(TASK, Random(seed))
    places = [middle(mark) for mark in found]
    assert all(0 < x < marks.WIDTH and 0 < y < marks.HEIGHT for x, y in places)
    assert all(math.dist(*pair) > marks.APART - 40 for pair in combinations(places, 2))


def test_there_are_none_as_there_are_several() -> None:
    random = Random(1)
    assert {len(there(TASK, random)) for _ in range(100)} == set(marks.HOW_MANY)


def test_a_hand_is_unsteady_in_numbers_alone() -> None:
    mark = {"tool": 1, "frame": 0, "details": [], "x": 10.0, "points": [{"x": 3.5}], "closed": True}
    drawn = by_hand(mark, Random(1), spread=2)
    assert drawn != mark
    assert by_hand(mark, Random(1), spread=0) == mark
    assert (drawn["tool"], drawn["frame"], drawn["details"], drawn["closed"]) == (1, 0, [], True)
    assert abs(drawn["x"] - 10) < 10
    assert abs(drawn["points"][0]["x"] - 3.5) < 10


def test_a_mistake_is_one_mark_too_few_or_too_many() -> None:
    random = Random(1)
    for _ in range(50):
        right = there(TASK, random)
        wrong = mistaken(TASK, right, random)
        assert wrong in (right[1:], [*right, wrong[-1] if wrong else None])
        assert len(wrong) != len(right)
