"""What conditions look at, and renaming it: what follows a new name finds what was found before."""

import json
from typing import Any

import pytest
from hypothesis import example, given

from caesar_web.domain.conditions import parse
from caesar_web.domain.evaluation import trace, trace_as_json
from caesar_web.domain.filters import Filters
from caesar_web.domain.grouping import Grouping
from caesar_web.domain.known import Known, KnownReducer
from caesar_web.domain.references import (
    LookupKey,
    missing_extractors,
    references,
    renamed,
    split_key,
    stale,
)
from caesar_web.domain.scope import ReductionScope
from tests.domain.strategies import conditions, scopes

CONDITION: list[Any] = [
    "and",
    ["gte", ["lookup", "counts.LION", 0], ["const", 1.0]],
    ["any", "counts[monday]", ["gt", ["lookup", "value", 0], ["lookup", "counts.x", 0]]],
    ["eq", ["int", ["lookup", "subject.counts", "counts"]], ["const", ["lookup", "counts.x", 0]]],
    ["lookup", "people", {"b": 1, "a": 2}],
]


def test_references_are_what_is_looked_up_outside_of_entries() -> None:
    expected = {"counts.LION", "counts[monday]", "subject.counts", "people"}
    assert references(parse(CONDITION)) == expected


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        ("r", ("r", None, "")),
        ("r.x.y", ("r", None, "x.y")),
        ("r[g].x", ("r", "g", "x")),
        ("r[a.b]", ("r", "a.b", "")),
        ("r[a]b].x", ("r", "a]b", "x")),
        ("r[", ("r[", None, "")),
        ("[g].x", ("[g]", None, "x")),
        ("subject.mag.x", (None, None, "mag.x")),
        ("subject", ("subject", None, "")),
    ],
)
def test_the_parts_of_a_key(key: str, parts: Any) -> None:
    assert split_key(key) == LookupKey(*parts)


def test_a_reducer_with_brackets_in_its_name_goes_first() -> None:
    assert split_key("r[g].x", {"r[g]"}) == ("r[g]", None, "x")


def test_renaming_changes_the_name_and_nothing_else() -> None:
    expected = json.dumps(CONDITION).replace('"counts.LION"', '"votes.LION"')
    expected = expected.replace('"any", "counts[monday]"', '"any", "votes[monday]"')
    before = json.dumps(CONDITION)
    assert json.dumps(renamed(CONDITION, "counts", "votes")) == expected
    assert json.dumps(CONDITION) == before
    assert json.dumps(renamed(CONDITION, "count", "votes")) == before


@given(conditions, scopes)
@example(["lookup", "subject.x", 0], ReductionScope({"subject": {"_default": {"x": 1}}}))
@example(["any", "r", ["lookup", "key", 0]], ReductionScope({"r": {"_default": {"x": 1}}}))
def test_a_renamed_condition_says_the_same_of_the_renamed_reductions(
    condition: Any, scope: ReductionScope
) -> None:
    plain = {key: one for key, one in scope.reductions.items() if key.isalpha()}
    before = scope._replace(reductions=plain)
    after = scope._replace(
        reductions={"renamed" if key == "r" else key: one for key, one in plain.items()}
    )
    told = trace_as_json(trace(parse(condition), before))
    told_after = trace_as_json(trace(parse(renamed(condition, "r", "renamed")), after))
    assert told["value"] == told_after["value"]
    assert told.get("error") == told_after.get("error")
    back = renamed(renamed(condition, "r", "renamed"), "renamed", "r")
    assert json.dumps(back) == json.dumps(condition)


def test_what_is_stale() -> None:
    keys = references(parse(CONDITION))
    known = Known(reducers={"people": KnownReducer("unique_count")})
    assert stale(keys, known) == {"counts.LION", "counts[monday]"}
    assert stale(keys, Known()) == set()


def test_extractors_that_reducers_miss() -> None:
    filtered = KnownReducer("count", filters=Filters(extractor_keys=("a", "b")))
    grouped = KnownReducer("count", grouping=Grouping("c", "field"))
    reducers = {"filtered": filtered, "grouped": grouped, "plain": KnownReducer("count")}
    known = Known(reducers=reducers, extractors=frozenset({"a"}))
    assert missing_extractors(known) == {"filtered": {"b"}, "grouped": {"c"}}
    assert missing_extractors(Known(reducers=reducers)) == {}
