"""Wordings: which answers a configuration refers to, and which are called something else now."""

from typing import Any

import pytest

from caesar_web.domain.conditions import parse
from caesar_web.domain.filters import Filters
from caesar_web.domain.grouping import Grouping
from caesar_web.domain.known import KnownReducer
from caesar_web.domain.tasks import Task, read_tasks
from caesar_web.domain.wordings import (
    AnswerReference,
    Configured,
    carried_on,
    referred,
    remembered,
    reworded,
)

EXTRACTORS: dict[str, tuple[str, dict[str, Any]]] = {
    "T0": ("question", {}),
    "animals": ("survey", {"task_key": "T1"}),
    "who": ("who", {}),
}
OF_T0 = Filters(extractor_keys=("T0",))
OF_T1 = Filters(extractor_keys=("animals",))
REDUCERS = {
    "counts": KnownReducer("stats", filters=OF_T0),
    "all": KnownReducer("stats"),
    "consensus": KnownReducer("consensus", filters=OF_T1),
    "people": KnownReducer("votes", {"answers": {}}, OF_T1),
    "count": KnownReducer("count", filters=Filters(extractor_keys=("who",))),
}


def references(condition: Any = None, **reducers: KnownReducer) -> set[tuple[str, str]]:
    conditions = [parse(condition)] if condition else []
    return {*referred(Configured(EXTRACTORS, {**REDUCERS, **reducers}, conditions))}


def leads(text: Any) -> list[Any]:
    return ["eq", ["lookup", "consensus.most_likely", ""], ["const", text]]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (["gte", ["lookup", "counts.1", 0], ["const", 3]], {("T0", "1")}),
        (["gte", ["lookup", "counts[night].1", 0], ["const", 3]], {("T0", "1")}),
        (["gte", ["lookup", "all.1", 0], ["const", 3]], {("T0", "1"), ("T1", "1")}),
        (leads("LION"), {("T1", "LION")}),
        (["not", ["eq", ["const", "LION"], leads("x")[1]]], {("T1", "LION")}),
        (leads("BIRD+LION"), {("T1", "BIRD+LION"), ("T1", "BIRD"), ("T1", "LION")}),
        (leads(7), set()),
        (["eq", ["lookup", "consensus.num_votes", 0], ["const", "7"]], set()),
        (["any", "counts", ["eq", ["lookup", "key", ""], ["const", "2"]]], {("T0", "2")}),
        (["any", "counts", ["gte", ["lookup", "value", 0], ["const", 2]]], set()),
        (["gte", ["lookup", "people.votes.LION", 0], ["const", 3]], {("T1", "LION")}),
        (["gte", ["lookup", "people.consecutive.LION", 0], ["const", 3]], {("T1", "LION")}),
        (["gte", ["lookup", "people.margin", 0], ["const", 3]], set()),
        (["eq", ["lookup", "people.top_answer", ""], ["const", "LION"]], {("T1", "LION")}),
        (["any", "people.votes", ["eq", ["lookup", "key", ""], ["const", "2"]]], {("T1", "2")}),
        (["any", "people", ["eq", ["lookup", "key", ""], ["const", "2"]]], set()),
        (["any", "gone", ["eq", ["lookup", "key", ""], ["const", "2"]]], set()),
        (["eq", ["lookup", "subject.site", ""], ["const", "A"]], set()),
        (["gte", ["lookup", "count.classifications", 0], ["const", 3]], set()),
        (["gte", ["lookup", "gone.1", 0], ["const", 3]], set()),
        (["const", True], set()),
    ],
)
def test_what_conditions_refer_to(condition: Any, expected: set[tuple[str, str]]) -> None:
    assert references(condition) == expected


def test_what_reducers_refer_to() -> None:
    summary = KnownReducer("summary_stats", {"summarize_field": "animals.LION"})
    grouped = KnownReducer("count", grouping=Grouping("T0", "1"))
    other = KnownReducer("summary_stats", {"summarize_field": "who.user_id"})
    votes = KnownReducer("votes", {"answers": {"2": "small"}}, OF_T0)
    swap = KnownReducer("swap", {"positive": ("LION",), "negative": ("BIRD",)}, OF_T1)
    found = references(summary=summary, grouped=grouped, other=other, votes=votes, swap=swap)
    assert found == {("T1", "LION"), ("T0", "1"), ("T0", "2"), ("T1", "BIRD")}


def question(*labels: str) -> tuple[Task, ...]:
    answers = [{"label": label} for label in labels]
    return read_tasks({"T0": {"type": "single", "answers": answers}})


def survey(**labels: str) -> tuple[Task, ...]:
    choices = {key: {"label": label} for key, label in labels.items()}
    return read_tasks({"T0": {"type": "survey", "choices": choices}})


FIRST, THIRD = AnswerReference("T0", "0"), AnswerReference("T0", "2")


def test_what_is_remembered() -> None:
    absent = AnswerReference("T9", "0")
    assert remembered([FIRST, THIRD, absent], question("Yes", "No")) == {"T0": {"0": "Yes"}}


def test_what_is_referred_to_still_keeps_its_name() -> None:
    now = question("No", "Yes", "Maybe")
    before = {"T0": {"0": "Yes", "1": "No"}}
    assert carried_on(before, [FIRST, THIRD], now) == {"T0": {"0": "Yes", "2": "Maybe"}}
    assert carried_on(before, [FIRST], ()) == {"T0": {"0": "Yes"}}  # while nobody says what is
    assert carried_on(before, [], now) == {}


@pytest.mark.parametrize(
    ("before", "now", "sentences"),
    [
        ({"T0": {"0": "Yes"}}, question("Yes", "No"), []),
        (
            {"T0": {"0": "Yes"}},
            question("Surely", "No"),
            ["T0 answer 0 was “Yes” when this was saved and is “Surely” now."],
        ),
        (
            {"T0": {"0": "Yes"}},
            question("No", "Yes"),
            ["T0 answer 0 was “Yes” when this was saved and is “No” now; “Yes” is answer 1."],
        ),
        (
            {"T0": {"0": "Yes", "2": "Blank"}},
            question("Yes", "No"),
            ["T0 answer 2 was “Blank” when this was saved and is not there any more."],
        ),
        (
            {"T0": {"LION": "Lion"}},
            survey(LION="Lioness"),
            ["T0 choice LION was “Lion” when this was saved and is “Lioness” now."],
        ),
        ({"T1": {"0": "Yes"}}, question("No"), []),  # the task is gone, which is told elsewhere
        ({}, question("No"), []),
    ],
)
def test_what_is_called_something_else_now(
    before: Any, now: tuple[Task, ...], sentences: list[str]
) -> None:
    assert [one.sentence for one in reworded(before, now)] == sentences
