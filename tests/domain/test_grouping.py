"""Grouping: which subgroup a classification belongs to."""

from typing import Any

import pytest

from caesar_web.domain.grouping import Grouping, GroupingFailed, read_grouping
from caesar_web.domain.values import Problem
from tests.domain.making import golden_cases, make_groups, refused_places


def subgroup(case: dict[str, Any]) -> str | None:
    problems: list[Problem] = []
    grouping = read_grouping(case["grouping"], place="grouping", problems=problems)
    assert problems == []
    (group,) = make_groups([{"id": 1, "extracts": case["extracts"]}])
    return grouping.subgroup(group)


@pytest.mark.parametrize("case", golden_cases("grouping", "subgroup"))
def test_subgroups(case: dict[str, Any]) -> None:
    assert subgroup(case) == case["subgroup"]


@pytest.mark.parametrize("case", golden_cases("grouping", "error"))
def test_a_missing_field_as_an_error(case: dict[str, Any]) -> None:
    with pytest.raises(GroupingFailed):
        subgroup(case)


@pytest.mark.parametrize("case", golden_cases("grouping", "refused"))
def test_refused_groupings(case: dict[str, Any]) -> None:
    problems: list[Problem] = []
    read_grouping(case["grouping"], place="grouping", problems=problems)
    assert refused_places(problems) == case["refused"]


@pytest.mark.parametrize("config", [None, {}])
def test_no_grouping_is_none(config: Any) -> None:
    problems: list[Problem] = []
    assert read_grouping(config, place="grouping", problems=problems) == Grouping()
    assert problems == []
