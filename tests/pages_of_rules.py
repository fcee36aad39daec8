"""The pages of rules with everything hostile in them, for test_templates."""

import json
from collections.abc import Callable
from typing import Any

from caesar_web.access.permissions import Place
from caesar_web.domain.condition_fields import TYPES
from caesar_web.domain.conditions import parse
from caesar_web.domain.dry_run import DryRun
from caesar_web.domain.known import Known, Seen
from caesar_web.domain.options import MASK
from caesar_web.domain.pieces import said
from caesar_web.domain.reading import rule_pieces
from caesar_web.domain.whys import explained
from caesar_web.pipeline.trying import Preview
from caesar_web.store.configuration import SubjectRule, SubjectRuleEffect, Workflow
from caesar_web.web import condition_view, rule_draft
from caesar_web.web.condition_view import View
from caesar_web.web.effect_view import EffectField, EffectView
from caesar_web.web.part_page import states_of
from caesar_web.web.rule_page import KINDS, Editing, OutcomeRow
from caesar_web.web.states import State
from tests.factories import START

MARKUP = "<b>&\"'"
HERE = {"place": Place(1, MARKUP, 2, MARKUP, "active", False, False)}
CONDITION = [
    "and",
    ["gte", ["lookup", MARKUP, MARKUP], ["to_f", ["const", MARKUP]]],
    ["any", MARKUP, ["eq", ["lookup", "key", None], ["const", True], ["const", [MARKUP]]]],
    ["not", ["const", None]],
]
RULE = SubjectRule(
    id=7,
    condition=json.dumps(CONDITION),
    effects=[SubjectRuleEffect(id=3, action="retire_subject", config={"reason": MARKUP})],
)
SEEN = Seen({"text": 3}, ((MARKUP, 3),))
KNOWN = Known(sampled=3, seen={MARKUP: SEEN})


class _Scope:
    """Everything is there, and it is hostile."""

    def find(self, key: str) -> Any:
        return MARKUP

    def entries(self, reducer: str) -> dict[str, Any]:
        return {MARKUP: MARKUP}


def editor(**over: Any) -> dict[str, Any]:
    draft = rule_draft.of_rule(RULE)
    problems = {"c.1.2.1:value": MARKUP, "c.1.1:key": MARKUP}
    part = condition_view.shown(View(CONDITION, KNOWN, {}, problems, ()))
    field = EffectField(
        "effect-0-reason", MARKUP, MARKUP, MARKUP, [("", MARKUP)], True, False, MARKUP
    )
    secret = EffectField("effect-0-password", MARKUP, MASK, "", [], False, True, None)
    assert draft.node is not None
    return {
        **HERE,
        "editing": Editing(1, 2, "subject_rules", 7),
        "expected": MARKUP,
        "draft": draft,
        "focus_word": "autofocus",
        "sentence": rule_pieces(draft.node, draft.effects),
        "part": part,
        "problems": [("c.1:kind", MARKUP)],
        "losses": [{"kind": "not", "lost": MARKUP, "command": MARKUP}],
        "repairs": [],
        "correct": "correct",
        "adds": [("extractors", [MARKUP]), ("reducers", [MARKUP, MARKUP])],
        "all_kinds": condition_view.KINDS,
        "all_types": TYPES,
        "suggestions": {MARKUP: MARKUP},
        "reducer_keys": [MARKUP],
        "rule_warnings": [MARKUP],
        "actions": [("retire_subject", MARKUP)],
        "effects": [EffectView(3, "retire_subject", [field, secret])],
        "targets": "subjects",
        "target_word": "subject",
        "preview": Preview(DryRun(), 3, extremes=(MARKUP,)),
        "outcomes": [OutcomeRow(1, "error", "!", "cannot be evaluated", MARKUP)],
        "comparison": MARKUP,
        "rehearsed": (MARKUP,),
        "near_misses": [{"sentence": MARKUP, "new": MARKUP, "command": MARKUP}],
        "why": explained(parse(CONDITION), _Scope()),
        "why_id": 1,
        "here_only": "/",
        "own_state": State("halted", START),
        **states_of(State("halted", START), "rule"),
        **over,
    }


def unreadable() -> dict[str, Any]:
    draft = rule_draft.sent({"base": "", "condition": MARKUP}, new=CONDITION)
    over = {"part": None, "draft": draft, "preview": None, "sentence": said(MARKUP), "effects": []}
    wrong = {"problems": [("condition", MARKUP)], "repairs": [condition_view.Fix(MARKUP, MARKUP)]}
    return editor(**over, **wrong)


def index(rules_applied: str, rules: list[SubjectRule]) -> dict[str, Any]:
    lists = [
        (kind, described, [(rule, MARKUP, State("paused", START)) for rule in rules], {7: [MARKUP]})
        for kind, described in KINDS.items()
    ]
    workflow = Workflow(id=1, rules_applied=rules_applied)
    return {**HERE, "workflow": workflow, "lists": lists, "reworded": []}


RULE_LAYOUTS = {"rules/_condition.html", "rules/_editor.html", "rules/_preview.html"}
RULE_PAGES: list[tuple[str, Callable[[], dict[str, Any]]]] = [
    ("rules/edit.html", editor),
    ("rules/edit.html", unreadable),
    ("rules/edit.html", lambda: editor(editing=Editing(1, 2, "user_rules"), preview=None)),
    ("rules/index.html", lambda: index("no_rules", [RULE, RULE])),
    ("rules/index.html", lambda: index("first_matching_rule", [])),
    (
        "rules/remove.html",
        lambda: {**HERE, "rule": RULE, "kind": "subject_rules", "reading": MARKUP},
    ),
]
