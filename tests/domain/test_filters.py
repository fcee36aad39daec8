"""Filters: which classifications, and which of their extracts, a reducer sees."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caesar_web.domain.classification import Group
from caesar_web.domain.filters import Filters, Sieve, is_training, read_filters
from caesar_web.domain.values import Problem
from tests.domain.making import golden_cases, make_groups, refused_places
from tests.domain.strategies import appending_filters, deliveries, filters, subjects

FIVE = [{"id": id_, "at": id_, "extracts": {"T0": {"0": 1}}} for id_ in range(1, 6)]


@pytest.mark.parametrize("case", golden_cases("filters", "kept"))
def test_what_is_let_through(case: dict[str, Any]) -> None:
    problems: list[Problem] = []
    wanted = read_filters(case["filters"], place="filters", problems=problems)
    assert problems == []
    training = {
        int(subject)
        for subject, marked in case.get("training", {}).items()
        if is_training({"#training_subject": marked})
    }
    groups = make_groups(FIVE if case.get("five") else case["classifications"])
    kept = wanted.select(groups, training)
    assert [group.classification_id for group in kept] == case["kept"]
    for id_, extractor_keys in case.get("kept_extracts", {}).items():
        (group,) = (one for one in kept if one.classification_id == int(id_))
        assert [extract.extractor_key for extract in group.extracts] == extractor_keys


@pytest.mark.parametrize("case", golden_cases("filters", "refused"))
def test_refused_filters(case: dict[str, Any]) -> None:
    problems: list[Problem] = []
    read_filters(case["filters"], place="filters", problems=problems)
    assert refused_places(problems) == case["refused"]


@pytest.mark.parametrize("config", [None, {}])
def test_no_filters_are_the_defaults(config: Any) -> None:
    problems: list[Problem] = []
    assert read_filters(config, place="filters", problems=problems) == Filters()
    assert problems == []


def _groups(arrivals: list[dict[str, Any]]) -> list[Group]:
    return make_groups({one["id"]: one for one in arrivals}.values())


@given(appending_filters, deliveries(), st.frozensets(subjects))
def test_one_at_a_time_lets_through_the_same_as_all_at_once(
    wanted: Filters, arrivals: list[dict[str, Any]], training: frozenset[int]
) -> None:
    groups = _groups(arrivals)
    sieve = Sieve(wanted, training)
    assert wanted.only_appends
    assert [kept for group in groups if (kept := sieve.admit(group))] == wanted.select(
        groups, training
    )


@given(filters, deliveries(), st.frozensets(subjects))
def test_filters_that_only_append_never_take_back(
    wanted: Filters, arrivals: list[dict[str, Any]], training: frozenset[int]
) -> None:
    groups = _groups(arrivals)
    before, after = (wanted.select(some, training) for some in (groups[:-1], groups))
    if wanted.only_appends:
        assert after[: len(before)] == before
