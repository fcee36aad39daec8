"""Renaming: other keys for extractors and reducers, wherever what is stored refers to them."""

import json
from datetime import datetime

from sqlalchemy.orm import Session

from caesar_web.domain.conditions import InvalidCondition, parse
from caesar_web.domain.renaming import Names, renamed_reducer, renamed_rule
from caesar_web.store.configuration import Project, Reducer, Workflow
from caesar_web.store.effects import AnyRule
from caesar_web.store.part_writing import update
from caesar_web.store.rules import condition_text
from caesar_web.store.transfer import reducer_entry, reducers_of, rule_entry

_REFERRING = ("filters", "grouping", "user_reducer_keys", "subject_reducer_keys")


def rename_references(
    session: Session,
    owner: Workflow | Project,
    *,
    extractors: Names | None = None,
    reducers: Names | None = None,
    now: datetime,
) -> None:
    """Lets the owner's reducers and rules follow; they say the same, so that none acts again."""
    for reducer in reducers_of(session, owner):
        _rename_in_reducer(reducer, extractors or {}, reducers or {}, now)
    if reducers and isinstance(owner, Workflow):
        rules: list[AnyRule] = [*owner.subject_rules, *owner.user_rules]
        for rule in rules:
            _rename_in_rule(rule, reducers, now)


def _rename_in_reducer(reducer: Reducer, extractors: Names, reducers: Names, now: datetime) -> None:
    entry = reducer_entry(reducer)
    changed = renamed_reducer(entry, extractors, reducers)
    values = {name: changed[name] for name in _REFERRING if name in entry}
    values["config"] = {name: changed[name] for name in reducer.config}
    update(reducer, now, values)


def _rename_in_rule(rule: AnyRule, reducers: Names, now: datetime) -> None:
    try:
        parse(json.loads(rule.condition))
    except (InvalidCondition, ValueError):
        return  # a rule that is broken is left out everywhere, and the others are not
    entry = rule_entry(rule)
    changed = renamed_rule(entry, reducers)
    if changed["if"] != entry["if"]:
        update(rule, now, {"condition": condition_text(changed["if"])})
    for effect, said in zip(rule.effects, changed["then"], strict=True):
        config = {name: value for name, value in said.items() if name != "action"}
        update(effect, now, {"config": config})
