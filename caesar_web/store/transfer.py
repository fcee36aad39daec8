"""A workflow's configuration in and out as one document, all or nothing."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from caesar_web.domain.documents import SETTINGS, Document, ExtractorRow, ReducerRow
from caesar_web.store import revisions, rules
from caesar_web.store.configuration import Extractor, Project, Reducer, Revision, Workflow
from caesar_web.store.db import dump_json
from caesar_web.store.effects import AnyRule, Saving
from caesar_web.store.part_writing import write
from caesar_web.store.statuses import set_status

Kept = TypeVar("Kept", Extractor, Reducer)


def show(session: Session, owner: Workflow | Project) -> dict[str, Any]:
    """The document that, applied, gives a workflow the configuration that it has.

    All that is configured in a project are its reducers.
    """
    reducers = {row.key: reducer_entry(row) for row in reducers_of(session, owner)}
    if isinstance(owner, Project):
        return {"reducers_config": reducers}
    return {
        **{name: getattr(owner, name) for name in SETTINGS},
        "extractors_config": {row.key: extractor_entry(row) for row in owner.extractors},
        "reducers_config": reducers,
        "rules_config": [rule_entry(rule) for rule in owner.subject_rules],
        "user_rules_config": [rule_entry(rule) for rule in owner.user_rules],
    }


def apply(
    session: Session,
    workflow: Workflow,
    document: Document,
    saving: Saving,
    *,
    note: str | None = None,
) -> bool:
    """Gives the workflow the configuration of a document; False when that changes nothing.

    What the document says nothing of stays. A rule that is there already stays the same rule, so
    that it does not act again where it has acted. Raises InvalidConfiguration.
    """
    with changing(session, workflow, author=saving.author, now=saving.now, note=note):
        revision = workflow.revision
        for name, value in document.settings.items():
            if name == "status":
                set_status(workflow, value, now=saving.now)
            else:
                setattr(workflow, name, value)
        if document.extractors is not None:
            _replace_extractors(session, workflow, document.extractors, saving)
        if document.reducers is not None:
            _replace_reducers(session, workflow, document.reducers, saving)
        rules.replace(workflow, document, saving)
    return workflow.revision > revision


@contextmanager
def changing(
    session: Session,
    owner: Workflow | Project,
    *,
    author: str,
    now: datetime,
    note: str | None = None,
) -> Iterator[None]:
    """What changes within is one revision of the owner, with its author; nobody else's is.

    What was read before may have changed until now, so it is read again.
    """
    session.expire_all()
    session.refresh(owner, with_for_update=True)  # two at once must not make the same revision
    before, state = show(session, owner), _state(session, owner)
    yield
    session.flush()
    if _state(session, owner) == state:
        return
    owner.revision += 1
    owner.updated_at = now
    revisions.add(
        session,
        Revision(
            reducible_type=type(owner).__name__,
            reducible_id=owner.id,
            author=author,
            note=note,
            before=before,
            after=show(session, owner),
            created_at=now,
        ),
    )


def _state(session: Session, owner: Workflow | Project) -> tuple[str, list[Any]]:
    """All that makes a revision: what is shown, to the letter, and what of it is not shown."""
    rules: list[AnyRule] = []
    parts: list[Extractor | Reducer] = [*reducers_of(session, owner)]
    if isinstance(owner, Workflow):
        rules = [*owner.subject_rules, *owner.user_rules]
        parts += owner.extractors
    effects = (effect for rule in rules for effect in rule.effects)
    return dump_json(show(session, owner)), [
        *((one.id, one.revision, one.target_owner) for one in effects),
        *((part.id, part.secrets) for part in parts),
    ]


def _replace_extractors(
    session: Session, workflow: Workflow, rows: Sequence[ExtractorRow], saving: Saving
) -> None:
    existing = _kept(workflow.extractors, rows)
    workflow.extractors = list(existing.values())
    session.flush()  # before others get the keys of those that are gone
    kept = []
    for row in rows:
        extractor = existing.get(row.key) or Extractor(key=row.key, created_at=saving.now)
        place = f"extractors_config.{row.key}"
        write(extractor, row, saving.sealer, place=place, now=saving.now)
        set_status(extractor, row.status, now=saving.now)
        kept.append(extractor)
    workflow.extractors = kept


def _replace_reducers(
    session: Session, workflow: Workflow, rows: Sequence[ReducerRow], saving: Saving
) -> None:
    there = reducers_of(session, workflow)
    existing = _kept(there, rows)
    for one in there:
        if one not in existing.values():
            session.delete(one)
    session.flush()  # before others get their keys
    for row in rows:
        reducer = existing.get(row.key)
        if reducer is None:
            reducer = Reducer(
                reducible_type="Workflow",
                reducible_id=workflow.id,
                key=row.key,
                created_at=saving.now,
            )
            session.add(reducer)
        place = f"reducers_config.{row.key}"
        write(reducer, row, saving.sealer, place=place, now=saving.now)
        set_status(reducer, row.status, now=saving.now)


def _kept(there: Iterable[Kept], rows: Iterable[ExtractorRow | ReducerRow]) -> dict[str, Kept]:
    """Those that stay, by their keys. What is to be of another type is another one."""
    types = {row.key: row.type for row in rows}
    return {part.key: part for part in there if types.get(part.key) == part.type}


def reducers_of(session: Session, owner: Workflow | Project) -> Sequence[Reducer]:
    """The reducers of a workflow or of a project, in their order."""
    return session.scalars(
        select(Reducer)
        .filter_by(reducible_type=type(owner).__name__, reducible_id=owner.id)
        .order_by(Reducer.id)
    ).all()


def extractor_entry(row: Extractor) -> dict[str, Any]:
    """An extractor as a document has it."""
    return {**extractor_options(row), **_status_entry(row)}


def extractor_options(row: Extractor) -> dict[str, Any]:
    """What an extractor's form is about."""
    version = {"minimum_version": row.minimum_workflow_version}
    return {"type": row.type, **(version if row.minimum_workflow_version else {}), **row.config}


def reducer_entry(row: Reducer) -> dict[str, Any]:
    """A reducer as a document has it."""
    return {**reducer_options(row), **_status_entry(row)}


def reducer_options(row: Reducer) -> dict[str, Any]:
    """What a reducer's form is about."""
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


def rule_entry(rule: AnyRule) -> dict[str, Any]:
    """A rule as a document has it, without the secrets of its effects."""
    effects = [{"action": effect.action, **effect.config} for effect in rule.effects]
    return {"if": json.loads(rule.condition), "then": effects, **_status_entry(rule)}


def _status_entry(row: AnyRule | Extractor | Reducer) -> dict[str, str]:
    """Nothing of what is active, so that documents look as they always did."""
    return {} if row.status == "active" else {"status": row.status}
