"""What a sample shows: as a lookup would find it, and never without a bound."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from caesar_web.domain.known import (
    DEEPEST,
    LONGEST_TEXT,
    MOST_KEYS,
    MOST_SUBJECTS,
    MOST_VALUES,
    KnownReducer,
    Seen,
    observe,
)
from caesar_web.domain.scope import ReductionScope
from caesar_web.domain.values import kind_of
from tests.domain.making import make_scope
from tests.domain.strategies import scopes


def subject(**metadata: Any) -> ReductionScope:
    return ReductionScope({}, 1, metadata)


def test_what_is_seen_of_reductions_and_metadata() -> None:
    known = observe(
        [
            make_scope({"reductions": {"counts": {"LION": 2}, "people": 3}, "subject": {"a": "x"}}),
            make_scope({"reductions": {"counts": {"LION": 2, "BIRD": None}}, "subject_id": 2}),
            make_scope({"subgroups": {"counts": {"monday": {"LION": True}}}, "subject_id": 2}),
        ]
    )
    number = Seen({"a number": 2}, ((2, 2),))
    assert known.sampled == 3
    assert known.is_whole
    assert dict(known.seen) == {
        "counts.LION": number,
        "people": Seen({"a number": 1}, ((3, 1),)),
        "subject.a": Seen({"text": 1}, (("x", 1),)),
        "subject.zooniverse_subject_id": Seen({"a number": 3}, ((2, 2), (1, 1))),
        "counts[monday].LION": Seen({"true/false": 1}, ((True, 1),)),
    }
    assert known.filled == {"counts": 2, "counts[monday]": 1}
    assert known.subgroups == {"counts": ("monday",)}


def test_true_is_not_counted_with_1_nor_1_with_a_decimal_number() -> None:
    seen = observe([subject(x=value) for value in (1, True, 1.0, 1)]).seen["subject.x"]
    assert [(repr(value), count) for value, count in seen.values] == [
        ("1", 2),
        ("True", 1),
        ("1.0", 1),
    ]


def test_a_sample_has_bounds() -> None:
    many = observe(subject(x=number) for number in range(10**9))
    assert many.sampled == many.seen["subject.x"].count == MOST_SUBJECTS
    assert len(many.seen["subject.x"].values) == MOST_VALUES
    wide = observe([subject(**{f"x{number}": 1 for number in range(MOST_KEYS)})])
    assert (len(wide.seen), wide.is_whole) == (MOST_KEYS, False)
    long = observe([subject(x="a" * (LONGEST_TEXT + 1), y=[1])])
    assert long.seen["subject.x"] == Seen({"text": 1})
    assert long.seen["subject.y"] == Seen({"a list": 1})


def test_nothing_is_seen_deeper_than_the_deepest() -> None:
    deep: Any = 1
    for _ in range(DEEPEST + 2):
        deep = {"x": deep}
    keys = observe([ReductionScope({"r": {"_default": deep}})]).seen
    assert max(key.count(".") for key in keys) == DEEPEST


@given(st.lists(scopes, max_size=4))
def test_what_is_seen_is_what_a_lookup_finds(samples: list[ReductionScope]) -> None:
    known = observe(samples)
    assert known.sampled == len(samples)
    for key, seen in known.seen.items():
        found = [value for scope in samples if (value := scope.find(key)) is not None]
        assert seen.count == len(found) > 0
        assert set(seen.kinds) == set(map(kind_of, found))


def test_the_fields_that_a_reducer_can_have() -> None:
    operations = {"operations": ("mean", "max")}
    summary = KnownReducer("summary_stats", options=operations)
    assert summary.fields == frozenset({"mean", "max"})
    assert KnownReducer("count").fields == frozenset({"classifications", "extracts"})
    assert KnownReducer("stats").fields is None
    assert KnownReducer("consensus").kind("most_likely") == "text"
    assert KnownReducer("external").kind("most_likely") is None
