"""Near misses: other thresholds, and how many more or fewer would really match with them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caesar_web.domain.condition_edits import node_at, replaced
from caesar_web.domain.conditions import parse
from caesar_web.domain.dry_run import dry_run
from caesar_web.domain.near_misses import MOST_NEAR_MISSES, extremes, near_misses
from caesar_web.domain.scope import ReductionScope
from tests.domain.strategies import conditions
from tests.domain.test_dry_run import lions

LION: list[Any] = ["lookup", "counts.lion", 0]


def near(condition: Any, *counts: Any) -> list[tuple[Any, int]]:
    """The other numbers, and the differences that they make."""
    return [(one.new, one.difference) for one in near_misses(parse(condition), lions(*counts))]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (["gte", LION, ["const", 3]], [(2, 2), (4, -1)]),
        (["gt", LION, ["const", 2]], [(1, 2), (3, -1)]),
        (["lte", LION, ["const", 2]], [(1, -2), (3, 1)]),
        (["lt", LION, ["const", 3]], [(2, -2), (4, 1)]),
        (["lte", ["const", 3], LION], [(2, 2), (4, -1)]),
        (["gte", LION, ["const", 2.5]], [(2, 2), (4, -1)]),
        (["eq", LION, ["const", 3]], []),
        (["gte", LION, ["const", 3], ["const", 1]], []),
        (["gte", LION, LION], []),
        (["gte", LION, ["const", "3"]], []),
    ],
)
def test_the_nearest_numbers_on_both_sides(condition: Any, expected: Any) -> None:
    assert near(condition, 1, 2, 2, 3, 5) == expected


def test_parts_around_it_count_too() -> None:
    condition = ["and", ["gte", LION, ["const", 3]], ["not", ["eq", LION, ["const", 2]]]]
    assert near(condition, 1, 2, 2, 3) == [(1, 1), (4, -1)]  # 2 would make no difference


def test_decimal_numbers_go_to_the_next_one_seen() -> None:
    assert near(["gt", LION, ["const", 0.8]], 0.5, 0.75, 0.8, 0.9) == [(0.75, 1), (0.9, -1)]


@pytest.mark.parametrize(
    ("condition", "counts", "expected"),
    [
        (["gte", LION, ["const", 0.8]], (2 / 3, 0.9), [(0.66, 1)]),
        (["gte", LION, ["const", 0.8]], (2 / 3, 0.665), [(0.666, 1)]),
        (["gte", LION, ["const", 0.8]], (2 / 3, 2 / 3 - 1e-16), [(2 / 3, 1)]),
        (["gt", LION, ["const", 0.8]], (2 / 3, 7 / 11), [(0.64, 1)]),
        (["lt", LION, ["const", 17]], (17.283415, 17.912345, 16.123456), [(16.12, -1), (17.91, 1)]),
        (["lte", LION, ["const", 17]], (17.283415, 17.9), [(17.29, 1)]),
        (["gte", LION, ["const", 100]], (98765.4321 / 1000, 3.0), [(98.7, 1)]),
        (["gte", LION, ["const", 100]], (54.321, 3.0), [(54, 1)]),
        (["gte", LION, ["const", 0.5]], (1e-9, 3.0), [(0, 1), (4, -1)]),
    ],
)
def test_numbers_are_as_short_as_the_values_beside_them_allow(
    condition: Any, counts: tuple[float, ...], expected: Any
) -> None:
    found = near(condition, *counts)
    assert found == expected
    assert all(isinstance(number, int) for number, _ in found if number == int(number))


def test_inside_any_it_is_the_entries_that_count() -> None:
    condition = ["any", "counts", ["gte", ["lookup", "value", 0], ["const", 3]]]
    assert near(condition, 1, 2, 5) == [(2, 1), (6, -1)]


def test_it_says_so_in_a_sentence() -> None:
    more, fewer = near_misses(parse(["gte", LION, ["const", 3]]), lions(2, 2, 3))
    assert more.sentence == "2 more would match if counts.lion ≥ 3 were ≥ 2."
    assert fewer.sentence == "1 fewer would match if counts.lion ≥ 3 were ≥ 4."
    assert more.path == (2,)


def test_what_it_says_is_what_the_button_gives() -> None:
    near_by = near_misses(parse(["gte", LION, ["const", 0.8]]), lions(2 / 3, 1.0))
    assert [one.sentence for one in near_by] == [
        "1 more would match if counts.lion ≥ 0.8 were ≥ 0.66.",
        "1 fewer would match if counts.lion ≥ 0.8 were ≥ 2.",
    ]
    assert [one.new for one in near_by] == [0.66, 2]


def test_there_are_few() -> None:
    condition = ["or", *(["gte", LION, ["const", 10 + at]] for at in range(8))]
    assert len(near_misses(parse(condition), lions(*range(10)))) <= MOST_NEAR_MISSES


def test_it_stops_when_time_is_up() -> None:
    condition = parse(["gte", LION, ["const", 3]])
    assert near_misses(condition, lions(1, 2, 3), in_time=lambda: False) == []


fractions = st.floats(-4, 6) | st.builds(lambda a, b: a / b, st.integers(-9, 9), st.integers(1, 9))
numbers = st.integers(-3, 5) | fractions | st.sampled_from([0.5, 1.5, 2.5, "2", "x", None, True])
comparisons = st.tuples(
    st.sampled_from(["lt", "lte", "gt", "gte"]),
    st.tuples(
        st.just(LION), st.builds(lambda n: ["const", n], st.integers(-3, 5) | fractions)
    ).flatmap(st.permutations),
).map(lambda drawn: [drawn[0], *drawn[1]])
combined = st.tuples(st.sampled_from(["and", "or"]), comparisons, comparisons | conditions)


@given(comparisons | combined.map(list), st.lists(numbers, max_size=6))
def test_so_many_would_really_match(condition: Any, counts: list[Any]) -> None:
    sampled = lions(*counts)
    now = dry_run(parse(condition), sampled).matching
    for one in near_misses(parse(condition), sampled):
        assert node_at(condition, one.path) == ["const", one.old]
        other = replaced(condition, one.path, ["const", one.new])
        assert dry_run(parse(other), sampled).matching - now == one.difference != 0


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (["gte", LION, ["const", 9]], ["Highest value seen is 2."]),
        (["lt", LION, ["const", 0]], ["Lowest value seen is 1."]),
        (["gte", ["lookup", "counts.bird", 0], ["const", 9]], ["No value was seen."]),
        (["const", False], []),
        (
            ["or", ["gt", LION, ["const", 9]], ["gt", ["lookup", "counts.bird", 0], ["const", 9]]],
            [
                "Highest value of counts.lion seen is 2.",
                "No value of counts.bird was seen.",
            ],
        ),
    ],
)
def test_the_highest_value_seen(condition: Any, expected: list[str]) -> None:
    assert extremes(parse(condition), lions(1, 2, "x")) == expected


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (2, "2"),
        (2.0, "2"),
        (0.75, "0.75"),
        (2 / 3, "about 0.667"),
        (0.0012345, "about 0.00123"),
        (98765.4321, "about 98765"),
        (-17.283415, "about -17.3"),
    ],
)
def test_the_highest_value_is_said_with_few_digits(value: float, said: str) -> None:
    assert extremes(parse(["gte", LION, ["const", 10**6]]), lions(value)) == [
        f"Highest value seen is {said}."
    ]


def test_large_numbers_are_left_alone() -> None:
    scope = ReductionScope({"counts": {"_default": {"lion": 2**1023 - 1}}}, 1)
    assert near_misses(parse(["gte", LION, ["const", 2**1000]]), [(1, scope)]) == []
    assert near_misses(parse(["gte", LION, ["const", 1]]), lions("1e999", 1)) != []
