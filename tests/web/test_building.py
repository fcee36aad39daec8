"""Every condition can be written in the editor without touching its JSON."""

import json
import re
from typing import Any

import pytest
from flask import Flask, render_template_string
from hypothesis import given, settings

from caesar_web.app import create_app
from caesar_web.domain.condition_fields import TYPES, fields
from caesar_web.domain.known import Known
from caesar_web.domain.reading import read_condition
from caesar_web.web import condition_view, rule_draft
from caesar_web.web.condition_view import View
from tests.conftest import plain_config
from tests.domain.making import golden, golden_cases
from tests.domain.strategies import conditions
from tests.pages import filled
from tests.pages import parse as parse_html
from tests.web.building import NEW, Author

DEEPEST = '["not", ' * 99 + '["const", true]' + "]" * 99
TOO_DEEP = f'["not", ["not", {DEEPEST}]]'
NESTED = "Nothing was changed: the condition is nested more than 100 deep."


@pytest.fixture(scope="module")
def app() -> Flask:
    return create_app(plain_config(database_url="sqlite://"))


def _opened(app: Flask, condition: list[Any]) -> str:
    """The fields of a condition as its page has them."""
    draft = rule_draft.written(condition)
    part = condition_view.shown(View(condition, Known(), {}, {}, ()))
    words = {"all_kinds": condition_view.KINDS, "all_types": TYPES, "draft": draft}
    with app.test_request_context("/"):
        return render_template_string(
            '{% from "rules/_condition.html" import node with context %}{{ node(part) }}',
            part=part,
            **words,
        )


def _patterns(name: str) -> set[int]:
    """The numbers of the patterns that have a golden case."""
    return {
        int(number)
        for case in golden(name)
        for number in re.findall(r"^pattern (\d+)", case["why"])
    }


@pytest.mark.parametrize("case", golden_cases("conditions", "value"))
def test_every_golden_condition_is_built_exactly(case: dict[str, Any]) -> None:
    author = Author()
    author.write(case["condition"])
    assert author.draft.text == json.dumps(case["condition"], ensure_ascii=False)
    assert author.draft.node is not None
    assert read_condition(author.draft.node)


def test_the_patterns_of_scientists_are_among_them() -> None:
    built, read = (_patterns(name) for name in ("conditions", "readings"))
    assert built == read == set(range(1, 25))


@pytest.mark.parametrize("case", golden_cases("recipes", "document"))
def test_every_recipe_is_built_exactly(case: dict[str, Any]) -> None:
    members = case["document"]
    (rule,) = members.get("rules_config") or members["user_rules_config"]
    author = Author()
    author.write(rule["if"])
    assert json.loads(author.draft.text) == rule["if"]


@settings(max_examples=30)
@given(conditions)
def test_any_condition_is_built_exactly(condition: list[Any]) -> None:
    author = Author()
    author.write(condition)
    assert author.draft.text == json.dumps(condition, ensure_ascii=False)


@pytest.mark.parametrize("case", golden_cases("conditions", "value"))
def test_every_golden_condition_opens_with_all_its_fields(app: Flask, case: dict[str, Any]) -> None:
    text = json.dumps(case["condition"], indent=2)
    page, problems = parse_html(_opened(app, case["condition"]))
    sent = filled(page)
    assert problems == []
    assert sent == fields(case["condition"])
    draft = rule_draft.sent({**sent, "base": text, "condition": text}, new=NEW)
    assert (draft.text, draft.is_wrong) == (text, False)


@given(conditions)
def test_opening_and_sending_unchanged_changes_nothing(condition: list[Any]) -> None:
    """Also for text that nobody would write so."""
    text = json.dumps(condition, indent=3)
    form = {"base": text, "condition": text.replace("\n", "\r\n")}
    draft = rule_draft.sent(form, new=NEW)
    assert draft.text == text
    assert not draft.is_wrong


@pytest.mark.parametrize(
    "form",
    [
        {"condition": f'["const", {"9" * 5000}]'},
        {"condition": "[" * 20_000},
        {"condition": TOO_DEEP, "base": TOO_DEEP},
    ],
)
def test_what_cannot_be_read_is_said_and_not_an_error(form: dict[str, str]) -> None:
    draft = rule_draft.sent(form, new=NEW)
    assert draft.is_wrong
    assert draft.problems["condition"]
    assert draft.text == form["condition"]


@pytest.mark.parametrize("do", [f"effect-remove:{'9' * 5000}", "effect-remove:²", "wrap::and"])
def test_a_button_that_can_do_nothing_changes_nothing(do: str) -> None:
    draft = rule_draft.sent({"condition": DEEPEST, "base": DEEPEST, "do": do}, new=NEW)
    assert draft.text == DEEPEST
    assert not draft.is_wrong
    assert draft.said == ("" if do.startswith("effect") else NESTED)


def test_a_rule_may_have_more_effects_than_can_be_added_here() -> None:
    form = {f"effect-{at}-action": "retire_subject" for at in range(30)}
    kept = rule_draft.sent({"condition": DEEPEST, **form}, new=NEW)
    assert len(kept.effects) == 30
    more = rule_draft.sent({"condition": DEEPEST, **form, "do": "effect-add:external"}, new=NEW)
    less = rule_draft.sent({"condition": DEEPEST, **form, "do": "effect-remove:29"}, new=NEW)
    assert (len(more.effects), len(less.effects)) == (30, 29)
