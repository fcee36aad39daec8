"""A workflow's configuration in and out as one document, all or nothing."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from caesar_web.domain.documents import (
    SETTINGS,
    Document,
    EffectRow,
    ExtractorRow,
    ReducerRow,
    RuleRow,
)
from caesar_web.domain.values import same
from caesar_web.store.configuration import (
    Extractor,
    Reducer,
    Revision,
    SubjectRule,
    SubjectRuleEffect,
    UserRule,
    UserRuleEffect,
    Workflow,
)
from caesar_web.store.db import dump_json

AnyRule = SubjectRule | UserRule
AnyEffect = SubjectRuleEffect | UserRuleEffect


def show(session: Session, workflow: Workflow) -> dict[str, Any]:
    """The document that, applied, gives the workflow the configuration that it has."""
    return {
        **{name: getattr(workflow, name) for name in SETTINGS},
        "extractors_config": {row.key: _extractor_entry(row) for row in workflow.extractors},
        "reducers_config": {row.key: _reducer_entry(row) for row in _reducers(session, workflow)},
        "rules_config": [_rule_entry(rule) for rule in workflow.subject_rules],
        "user_rules_config": [_rule_entry(rule) for rule in workflow.user_rules],
    }


def apply(
    session: Session, workflow: Workflow, document: Document, *, author: str, now: datetime
) -> bool:
    """Gives the workflow the configuration of a document; False when that changes nothing.

    What the document says nothing of stays. A rule that is there already stays the same rule, so
    that it does not act again where it has acted.
    """
    session.refresh(workflow, with_for_update=True)  # two at once must not make the same revision
    before = show(session, workflow)
    for name, value in document.settings.items():
        setattr(workflow, name, value)
    if document.extractors is not None:
        _replace_extractors(workflow, document.extractors, now)
    if document.reducers is not None:
        _replace_reducers(session, workflow, document.reducers, now)
    if document.subject_rules is not None:
        new = _new_rule(SubjectRule, SubjectRuleEffect, now)
        workflow.subject_rules = _rules_from(workflow.subject_rules, document.subject_rules, new)
    if document.user_rules is not None:
        new = _new_rule(UserRule, UserRuleEffect, now)
        workflow.user_rules = _rules_from(workflow.user_rules, document.user_rules, new)
    session.flush()
    after = show(session, workflow)
    if same(before, after) and dump_json(before) == dump_json(after):
        return False
    workflow.revision += 1
    workflow.updated_at = now
    session.add(
        Revision(
            reducible_type="Workflow",
            reducible_id=workflow.id,
            author=author,
            before=before,
            after=after,
            created_at=now,
        )
    )
    return True


def _replace_extractors(workflow: Workflow, rows: Iterable[ExtractorRow], now: datetime) -> None:
    existing = {extractor.key: extractor for extractor in workflow.extractors}
    kept = []
    for row in rows:
        extractor = existing.get(row.key) or Extractor(key=row.key, created_at=now)
        _update(extractor, now, vars(row))
        kept.append(extractor)
    workflow.extractors = kept


def _replace_reducers(
    session: Session, workflow: Workflow, rows: Iterable[ReducerRow], now: datetime
) -> None:
    existing = {reducer.key: reducer for reducer in _reducers(session, workflow)}
    for row in rows:
        reducer = existing.pop(row.key, None)
        if reducer is None:
            reducer = Reducer(
                reducible_type="Workflow", reducible_id=workflow.id, key=row.key, created_at=now
            )
            session.add(reducer)
        _update(reducer, now, vars(row))
    for reducer in existing.values():
        session.delete(reducer)


def _update(target: Any, now: datetime, values: dict[str, Any]) -> None:
    changed = {name: value for name, value in values.items() if getattr(target, name) != value}
    if changed:
        target.updated_at = now
    for name, value in changed.items():
        setattr(target, name, value)


def _rules_from(
    existing: Sequence[AnyRule], rows: Iterable[RuleRow], new: Callable[[RuleRow], AnyRule]
) -> list[Any]:
    """The rules of a document in its order; equal ones are kept, the others are new."""
    unused = list(existing)
    rules = []
    for order, row in enumerate(rows):
        rule = next((rule for rule in unused if _is_equal(rule, row)), None)
        if rule is None:
            rule = new(row)
        else:
            unused.remove(rule)
        rule.row_order = order
        rules.append(rule)
    return rules


def _is_equal(rule: AnyRule, row: RuleRow) -> bool:
    effects = [EffectRow(effect.action, effect.config) for effect in rule.effects]
    return rule.condition == _condition_text(row) and effects == list(row.effects)


def _new_rule(
    rule: type[AnyRule], effect: type[AnyEffect], now: datetime
) -> Callable[[RuleRow], AnyRule]:
    moments = {"created_at": now, "updated_at": now}

    def new(row: RuleRow) -> AnyRule:
        effects = [effect(**vars(one), **moments) for one in row.effects]
        return rule(condition=_condition_text(row), effects=effects, **moments)

    return new


def _condition_text(row: RuleRow) -> str:
    return json.dumps(row.condition, ensure_ascii=False)


def _reducers(session: Session, workflow: Workflow) -> Sequence[Reducer]:
    return session.scalars(
        select(Reducer)
        .filter_by(reducible_type="Workflow", reducible_id=workflow.id)
        .order_by(Reducer.id)
    ).all()


def _extractor_entry(row: Extractor) -> dict[str, Any]:
    version = {"minimum_version": row.minimum_workflow_version}
    return {"type": row.type, **(version if row.minimum_workflow_version else {}), **row.config}


def _reducer_entry(row: Reducer) -> dict[str, Any]:
    common = {
        "topic": row.topic,
        "reduction_mode": row.reduction_mode,
        "filters": row.filters or None,
        "grouping": row.grouping or None,
        "user_reducer_keys": row.user_reducer_keys,
        "subject_reducer_keys": row.subject_reducer_keys,
    }
    said = {name: value for name, value in common.items() if value is not None}
    return {"type": row.type, **said, **row.config}


def _rule_entry(rule: AnyRule) -> dict[str, Any]:
    effects = [{"action": effect.action, **effect.config} for effect in rule.effects]
    return {"if": json.loads(rule.condition), "then": effects}
