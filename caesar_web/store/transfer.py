"""A workflow's configuration in and out as one document, all or nothing."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from caesar_web.domain.documents import SETTINGS, Document, ExtractorRow, ReducerRow
from caesar_web.store import rules
from caesar_web.store.configuration import Extractor, Reducer, Revision, Workflow
from caesar_web.store.db import dump_json
from caesar_web.store.effects import AnyRule, Saving


def show(session: Session, workflow: Workflow) -> dict[str, Any]:
    """The document that, applied, gives the workflow the configuration that it has."""
    return {
        **{name: getattr(workflow, name) for name in SETTINGS},
        "extractors_config": {row.key: _extractor_entry(row) for row in workflow.extractors},
        "reducers_config": {row.key: _reducer_entry(row) for row in _reducers(session, workflow)},
        "rules_config": [_rule_entry(rule) for rule in workflow.subject_rules],
        "user_rules_config": [_rule_entry(rule) for rule in workflow.user_rules],
    }


def apply(session: Session, workflow: Workflow, document: Document, saving: Saving) -> bool:
    """Gives the workflow the configuration of a document; False when that changes nothing.

    What the document says nothing of stays. A rule that is there already stays the same rule, so
    that it does not act again where it has acted. Raises InvalidConfiguration.
    """
    with changing(session, workflow, author=saving.author, now=saving.now):
        revision = workflow.revision
        for name, value in document.settings.items():
            setattr(workflow, name, value)
        if document.extractors is not None:
            _replace_extractors(workflow, document.extractors, saving.now)
        if document.reducers is not None:
            _replace_reducers(session, workflow, document.reducers, saving.now)
        rules.replace(workflow, document, saving)
    return workflow.revision > revision


@contextmanager
def changing(session: Session, workflow: Workflow, *, author: str, now: datetime) -> Iterator[None]:
    """What changes within is one revision of the workflow, with its author; nobody else's is.

    What was read before may have changed until now, so it is read again.
    """
    session.expire_all()
    session.refresh(workflow, with_for_update=True)  # two at once must not make the same revision
    before, state = show(session, workflow), _state(session, workflow)
    yield
    session.flush()
    if _state(session, workflow) == state:
        return
    workflow.revision += 1
    workflow.updated_at = now
    session.add(
        Revision(
            reducible_type="Workflow",
            reducible_id=workflow.id,
            author=author,
            before=before,
            after=show(session, workflow),
            created_at=now,
        )
    )


def _state(session: Session, workflow: Workflow) -> tuple[str, list[Any]]:
    """All that makes a revision: what is shown, to the letter, and what of effects is not shown."""
    kept: list[AnyRule] = [*workflow.subject_rules, *workflow.user_rules]
    return dump_json(show(session, workflow)), [
        (effect.id, effect.revision, effect.target_owner)
        for rule in kept
        for effect in rule.effects
    ]


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
