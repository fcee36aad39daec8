"""Recipes: each makes a configuration that fires exactly when its words say."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from caesar_web.domain.classification import Group
from caesar_web.domain.conditions import parse
from caesar_web.domain.documents import Document, ReducerRow, read_document
from caesar_web.domain.evaluation import evaluate, holds
from caesar_web.domain.extractors import EXTRACTORS, Extractor, read_extractor_options
from caesar_web.domain.filters import read_filters
from caesar_web.domain.options import read_options
from caesar_web.domain.reading import read_rule
from caesar_web.domain.recipe import Recipe
from caesar_web.domain.recipe_parameters import KINDS
from caesar_web.domain.recipes import RECIPES
from caesar_web.domain.reducers import REDUCERS
from caesar_web.domain.scope import ReductionScope
from caesar_web.domain.series import DefaultSeries, Reducer
from caesar_web.domain.values import InvalidConfiguration, Problem
from tests.domain.making import (
    SUBJECT,
    golden,
    golden_cases,
    make_classification,
    make_groups,
    refused_places,
)


def build(case: Mapping[str, Any]) -> dict[str, Any]:
    return RECIPES[case["recipe"]].build(case["values"])


@pytest.mark.parametrize("case", golden_cases("recipes", "document"))
def test_what_a_recipe_makes(case: dict[str, Any]) -> None:
    assert build(case) == case["document"]


@pytest.mark.parametrize("case", golden_cases("recipes"))
def test_a_recipe_is_a_configuration_that_reads_well(case: dict[str, Any]) -> None:
    document = read_document(build(case))
    (rule,) = document.subject_rules or document.user_rules or []
    assert read_rule(parse(rule.condition), rule.effects).startswith("If ")
    assert len(rule.effects) == 1


PATTERNS = {
    case["why"].partition(":")[0]: case["condition"]
    for case in golden("conditions")
    if case["why"].startswith("pattern ")
}


@pytest.mark.parametrize("case", golden_cases("recipes", "pattern"))
def test_a_recipe_gives_the_condition_of_its_pattern(case: dict[str, Any]) -> None:
    (rule,) = build(case)["rules_config"]
    assert rule["if"] == PATTERNS[f"pattern {case['pattern']}"]


@pytest.mark.parametrize("case", golden_cases("recipes"))
def test_a_recipe_fires_exactly_when_its_words_say(case: dict[str, Any]) -> None:
    document = read_document(build(case))
    steps = enumerate(matches(document, case), start=1)
    assert [number for number, has_matched in steps if has_matched] == case["matches"]


def matches(document: Document, case: Mapping[str, Any]) -> Iterator[bool]:
    """Whether the rule holds, after one classification after another."""
    (rule,) = document.subject_rules or document.user_rules or []
    rows = document.reducers or []
    reductions: dict[str, Any] = {}
    series = {row.key: DefaultSeries(_reducer(row), []) for row in rows}
    for number, said in enumerate(case["classifications"], start=1):
        step = said if isinstance(said, dict) else {"said": said}
        if "pushed" in step:
            reductions |= {row.key: {"_default": step["pushed"]} for row in rows}
        else:
            groups = _groups(number, step, document=document, case=case)
            for key, one in series.items():
                for group in groups:
                    one.arrive(group)
                reductions[key] = {name: reduced.data for name, reduced in one.results.items()}
        scope = ReductionScope(reductions, SUBJECT, case.get("subject"))
        yield holds(evaluate(parse(rule.condition), scope))


def _reducer(row: ReducerRow) -> Reducer:
    problems: list[Problem] = []
    options = REDUCERS[row.type].options
    return Reducer(
        id=1,
        key=row.key,
        type=REDUCERS[row.type],
        options=read_options(options, row.config, place="", problems=problems),
        filters=read_filters(row.filters, place="", problems=problems),
        topic=row.topic,
    )


def _groups(
    number: int, step: Mapping[str, Any], *, document: Document, case: Mapping[str, Any]
) -> list[Group]:
    """One classification, by the document's own extractors; none where they extract nothing."""
    value, values = step["said"], case["values"]
    if values.get("task_type") == "survey":
        value = [{"choice": choice} for choice in value]
    task = step.get("task", values.get("task_key", "T0"))
    classification = make_classification(
        [{"task": task, "value": value}],
        user_id=step.get("user"),
        subject_metadata=step.get("metadata"),
    )
    extracts = {}
    for row in document.extractors or []:
        options = read_extractor_options(row.type, row.config, place="", problems=[])
        data = Extractor(1, row.key, EXTRACTORS[row.type], options).extract(classification)
        if data is not None:
            extracts[row.key] = data
    return make_groups([{**step, "id": number, "at": number, "extracts": extracts}])


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_every_recipe_is_explained_and_has_golden_cases(recipe: Recipe) -> None:
    assert recipe.title[0].isupper()
    assert not recipe.title.endswith(".")
    assert recipe.explanation.endswith(".")
    own = [case for case in golden("recipes") if case["recipe"] == recipe.key]
    assert [case for case in own if "document" in case]
    assert [case for case in own if case["matches"][:1] != [1]]  # not whatever comes


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_every_parameter_can_be_asked_for(recipe: Recipe) -> None:
    names = [parameter.name for parameter in recipe.parameters]
    assert len(names) == len(set(names))
    for parameter in recipe.parameters:
        assert parameter.label
        assert parameter.kind in KINDS or parameter.choices
        if parameter.default is not None:
            assert parameter.option.read(parameter.default) == parameter.default


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_all_that_is_wrong_is_named(recipe: Recipe) -> None:
    needed = [one.name for one in recipe.parameters if one.option.required]
    with pytest.raises(InvalidConfiguration) as caught:
        recipe.build({"unheard": 1})
    assert refused_places(caught.value.problems) == ["unheard", *needed]


REFUSED = [
    ("agree", {"people": 0}, "people"),
    ("agree", {"people": 1001}, "people"),
    ("agree", {"people": "many"}, "people"),
    ("agree", {"people": 2.5}, "people"),
    ("agree", {"reason": "too blurry"}, "reason"),
    ("agree", {"task_type": "drawing"}, "task_type"),
    ("agree", {"subject_set_id": "lions"}, "subject_set_id"),
    ("agree", {"skip_training": "perhaps"}, "skip_training"),
    ("agree_clearly", {"agreement": 1.1}, "agreement"),
    ("agree_clearly", {"agreement": "-0.1"}, "agreement"),
    ("agree_clearly", {"agreement": True}, "agreement"),
    ("score_reached", {"field": "x", "score": "1e999"}, "score"),
    ("one_says", {"answer": 1}, "answer"),
    ("one_says", {"answer": "a\0b"}, "answer"),
    ("some_say_one_of", {"answers": "DUIKER"}, "answers"),
    ("some_say_one_of", {"answers": ["DUIKER", "DUIKER"]}, "answers"),
    ("some_say_one_of", {"answers": 5}, "answers"),
    ("some_of_first_say", {"answer": "0", "people": 6, "first": 5}, "people"),
    ("volunteer_seen", {"workflow_id": -1}, "workflow_id"),
    ("swap_low", {"answer": "0", "prior": 0}, "prior"),
    ("swap_low", {"answer": "0", "expert_at": 1}, "expert_at"),
    ("swap_unsure", {"answer": "0", "subject_set_id": 7, "low": 0.95}, "low"),
    ("swap_expert", {"answer": "0", "subject_set_id": 7, "chance": 2}, "chance"),
]


@pytest.mark.parametrize(("key", "values", "place"), REFUSED)
def test_a_value_that_makes_no_sense_is_refused(
    key: str, values: dict[str, Any], place: str
) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        RECIPES[key].build(values)
    assert refused_places(caught.value.problems) == [place]


def test_all_recipes_of_swap_need_the_same_reducers() -> None:
    values = {"answer": "0", "prior": 0.1, "subject_set_id": 7}
    low, high, unsure = (
        RECIPES[key].build(values)["reducers_config"]
        for key in ("swap_low", "swap_high", "swap_unsure")
    )
    assert low == high == unsure
    values.pop("prior")
    assert RECIPES["swap_expert"].build(values)["reducers_config"] == {"skill": low["skill"]}


def test_what_forms_send_is_read_as_what_scripts_send() -> None:
    sent = {"people": "4", "agreement": "0.75", "skip_training": "", "subject_set_id": ""}
    assert RECIPES["agree_clearly"].build(sent) == RECIPES["agree_clearly"].build(
        {"people": 4, "agreement": 0.75}
    )


def test_changing_what_was_built_changes_no_recipe() -> None:
    recipe = RECIPES["agree"]
    first = recipe.build({"skip_training": True})
    before = recipe.build({"skip_training": True})
    first["reducers_config"]["consensus"]["filters"].clear()
    first["rules_config"][0]["if"][1].clear()
    assert recipe.build({"skip_training": True}) == before
