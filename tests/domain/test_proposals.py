"""Proposals: what is offered for a workflow's tasks, and that it does what it promises."""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caesar_web.domain.documents import read_document
from caesar_web.domain.merging import merged
from caesar_web.domain.proposals import Proposal, accepted, propose
from caesar_web.domain.recipes import RECIPES
from caesar_web.domain.tasks import read_tasks
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.standin import configurations, seed_tasks
from tests.domain.making import golden, golden_cases
from tests.domain.strategies_of_tasks import tasks_documents
from tests.domain.test_recipes import matches

CONFIGURATIONS = ("100.json", "102.json", "200.json", "300.json", "301.json")
NEW: dict[str, Any] = {
    "status": "active",
    "rules_applied": "all_matching_rules",
    "extractors_config": {},
    "reducers_config": {},
    "rules_config": [],
    "user_rules_config": [],
}


@cache
def configuration(name: str) -> Mapping[str, Any]:
    shown: dict[str, Any] = json.loads((resources.files(configurations) / name).read_text("utf-8"))
    return shown


def proposed(case: Mapping[str, Any]) -> Proposal:
    tasks = getattr(seed_tasks, case["standin"]) if "standin" in case else case["tasks"]
    return propose(read_tasks(tasks, case.get("strings")))


@pytest.mark.parametrize("case", golden_cases("proposals"))
def test_what_is_proposed_for_tasks(case: dict[str, Any]) -> None:
    proposal = proposed(case)
    assert [offer.name for offer in proposal.offers if offer.is_ticked] == case["ticked"]
    assert [offer.name for offer in proposal.offers if not offer.is_ticked] == case["offered"]
    assert [offer.why for offer in proposal.recipes] == case["recipes"]
    assert proposal.recipes[0].values == case["values"]
    assert [f"{one.task_key}: {one.reason}" for one in proposal.not_proposed] == (
        case["not_proposed"]
    )


@pytest.mark.parametrize("case", golden_cases("proposals"))
def test_what_is_ticked_makes_this_document(case: dict[str, Any]) -> None:
    assert accepted(proposed(case), case["ticked"]) == case["document"]


@pytest.mark.parametrize("case", golden_cases("proposals"))
def test_every_offer_is_explained_and_has_a_name_of_its_own(case: dict[str, Any]) -> None:
    offers = proposed(case).offers
    assert len({offer.name for offer in offers}) == len(offers)
    assert all(offer.why[0].isupper() and offer.why.endswith(".") for offer in offers)


@pytest.mark.parametrize("case", golden_cases("proposals"))
def test_a_recipe_with_its_values_is_already_there_once_it_is_accepted(
    case: dict[str, Any],
) -> None:
    for offer in proposed(case).recipes:
        built = RECIPES[offer.key].build(offer.values)
        again = merged(merged(NEW, offer.document).document, built)
        assert again.added == {}


def test_the_golden_table_covers_every_task_of_the_stand_in() -> None:
    assert {case["standin"] for case in golden("proposals") if "standin" in case} == {
        name for name in vars(seed_tasks) if name.isupper() and "T0" in getattr(seed_tasks, name)
    }


@given(tasks_documents, st.data())
def test_whatever_the_tasks_are_any_part_of_a_proposal_fits_any_configuration(
    tasks: Any, data: st.DataObject
) -> None:
    read = read_tasks(tasks)
    proposal = propose(read)
    assert propose(read) == proposal
    names = data.draw(st.sets(st.sampled_from([offer.name for offer in proposal.offers])))
    additions = accepted(proposal, names)
    read_document(additions)
    for name in CONFIGURATIONS:
        current = configuration(name)
        once = merged(current, additions)
        read_document(once.document)
        for member, entries in current.items():
            kept = once.document[member]
            if isinstance(entries, dict):
                assert entries.items() <= kept.items()
            else:
                assert kept[: len(entries)] == entries if isinstance(entries, list) else True
        twice = merged(once.document, additions)
        assert twice.document == once.document
        assert twice.added == {}


YES_NO_BLANK = {
    "T0": {
        "type": "single",
        "question": "Is there an animal?",
        "answers": [{"label": "Yes"}, {"label": "No"}, {"label": "Blank"}],
    }
}
# The same keys, with something else behind them.
IN_THE_WAY = {
    "extractors_config": {"T0": {"type": "question", "task_key": "T9", "if_missing": "ignore"}},
    "reducers_config": {
        "T0_first3": {"type": "stats", "filters": {"extractor_keys": ["T0"]}},
    },
    "rules_config": [],
}


@pytest.mark.parametrize("current", [NEW, IN_THE_WAY], ids=["a new workflow", "keys in the way"])
@pytest.mark.parametrize(
    ("said", "matched"),
    [
        ([2, 2, 2], [3]),
        ([2, 2, 0, 2, 2], []),
        ([0, 2, 2, 2], []),
        ([1, 1, 1, 1], []),
    ],
)
def test_three_people_say_blank_and_the_subject_is_retired(
    current: dict[str, Any], said: list[int], matched: list[int]
) -> None:
    best = propose(read_tasks(YES_NO_BLANK)).recipes[0]
    document = read_document(merged(current, best.document).document)
    assert document.subject_rules is not None
    (effect,) = document.subject_rules[0].effects
    assert (effect.action, effect.config) == ("retire_subject", {"reason": "blank"})
    case = {"values": best.values, "classifications": said}
    steps = enumerate(matches(document, case), start=1)
    assert [number for number, has_matched in steps if has_matched] == matched


def test_an_offer_can_have_other_numbers() -> None:
    best = propose(read_tasks(YES_NO_BLANK)).recipes[0]
    assert [number.name for number in best.numbers] == ["people"]
    five = best.with_values({"people": "5"})
    assert (five.name, five.is_ticked) == (best.name, True)
    assert five.values == {**best.values, "people": 5}
    assert "once the first 5 people all answer “Blank”" in five.why
    assert list(five.document["reducers_config"]) == ["T0_first5"]
    assert "once the first person answers “Blank”" in best.with_values({"people": 1}).why
    with pytest.raises(InvalidConfiguration, match="people: must be 1 or more"):
        best.with_values({"people": 0})


def test_what_the_first_few_all_say_can_be_another_answer() -> None:
    best = propose(read_tasks(YES_NO_BLANK)).recipes[0]
    assert [(one.value, one.label) for one in best.answers] == [
        ("0", "Yes"),
        ("1", "No"),
        ("2", "Blank"),
    ]
    other = best.with_values({"people": "4", "answer": "1"})
    assert (other.name, other.is_ticked) == (best.name, True)
    assert other.why == (
        "Retire a subject once the first 4 people all answer “No” to “Is there an animal?” (T0)."
    )
    (rule,) = other.document["rules_config"]
    assert rule["then"] == [{"action": "retire_subject", "reason": "consensus"}]
    assert ["eq", ["lookup", "T0_first4.most_likely", ""], ["const", "1"]] in rule["if"]
    assert other.with_values({"people": "3", "answer": "2"}) == best
    with pytest.raises(InvalidConfiguration, match="answer: must be an answer of the task"):
        best.with_values({"answer": "3"})


@pytest.mark.parametrize(
    ("kind", "labels", "offered"),
    [
        ("single", ["Yes", "Blank", "No"], "1"),
        ("single", ["A galaxy", "None of these"], "1"),
        ("single", ["Notable", "Normal"], "0"),
        ("single", [], None),
        ("multiple", ["Lion", "Nothing here"], "1"),
        ("multiple", ["Lion", "No idea"], None),
    ],
)
def test_which_answer_the_first_few_are_offered_to_say(
    kind: str, labels: list[str], offered: str | None
) -> None:
    task = {"type": kind, "answers": [{"label": label} for label in labels]}
    recipes = propose(read_tasks({"T0": task})).recipes
    found = [offer.values["answer"] for offer in recipes if offer.key == "first_say"]
    assert found == ([] if offered is None else [offered])


@pytest.mark.parametrize("case", golden_cases("proposals"))
def test_an_offer_with_its_own_values_is_the_same(case: dict[str, Any]) -> None:
    for offer in proposed(case).offers:
        assert offer.with_values(dict(offer.values)) == offer
