"""Uses: who looks at an extractor, and who at a reducer."""

import json
from typing import Any

import pytest

from caesar_web.domain.filters import Filters
from caesar_web.domain.grouping import Grouping
from caesar_web.domain.known import KnownReducer
from caesar_web.domain.uses import (
    named_extractors,
    reducers_naming,
    reducers_of_all,
    reducers_of_rule,
)

REDUCERS = {
    "all": KnownReducer("stats"),
    "some": KnownReducer("stats", filters=Filters(extractor_keys=("a",))),
    "grouped": KnownReducer("stats", grouping=Grouping("b", "day")),
    "summed": KnownReducer("summary_stats", {"summarize_field": "c.value"}),
    "plain": KnownReducer("summary_stats", {"summarize_field": "value"}),
}


def test_reducers_name_extractors_in_three_ways() -> None:
    named = {key: set(named_extractors(one)) for key, one in REDUCERS.items()}
    assert named == {"all": set(), "some": {"a"}, "grouped": {"b"}, "summed": {"c"}, "plain": set()}
    assert [reducers_naming(key, REDUCERS) for key in "abcd"] == [
        ["some"],
        ["grouped"],
        ["summed"],
        [],
    ]
    assert reducers_of_all(REDUCERS) == ["all", "grouped", "summed", "plain"]


@pytest.mark.parametrize(
    ("condition", "configs", "expected"),
    [
        (["gt", ["lookup", "sums.1", 0], ["const", 1]], [], True),
        (["gt", ["lookup", "sums[day].1", 0], ["const", 1]], [], True),
        (["gt", ["lookup", "sum.1", 0], ["const", 1]], [], False),
        (["gt", ["lookup", "subject.sums", 0], ["const", 1]], [], False),
        (["const", True], [{"reducer_key": "sums"}], True),
        (["no", "condition"], [], False),
    ],
)
def test_rules_look_at_reducers(
    condition: Any, configs: list[dict[str, str]], expected: bool
) -> None:
    found = reducers_of_rule(json.dumps(condition), configs, ["sums", "sum"])
    assert ("sums" in found) is expected


def test_a_condition_that_is_no_json_looks_at_nothing() -> None:
    assert not reducers_of_rule("{", [], ["sums"])
