"""Changing one extractor or one reducer: saving it, also under another key, and removing it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from caesar_web.domain.documents import ExtractorRow, ReducerRow
from caesar_web.domain.values import InvalidConfiguration, Problem
from caesar_web.pipeline.configuring import Change, ChangedMeanwhile, Unknown
from caesar_web.store import transfer
from caesar_web.store.configuration import Extractor, Project, Reducer, Workflow
from caesar_web.store.fingerprints import fingerprint
from caesar_web.store.part_writing import write
from caesar_web.store.projects import add_project
from caesar_web.store.renaming import rename_references as let_references_follow
from caesar_web.store.snapshot import Reducible

Owner = TypeVar("Owner", bound=Workflow | Project)
Part = TypeVar("Part", Extractor, Reducer)

_TABLES: dict[str, type[Workflow] | type[Project]] = {"Workflow": Workflow, "Project": Project}


def save_extractor(
    change: Change,
    workflow_id: int,
    key: str | None,
    row: ExtractorRow,
    *,
    rename_references: bool = False,
    expected: str | None = None,
) -> int:
    """Saves a new extractor, or the one with this key as it will be; gives its id.

    With another key it stays the same extractor. Reducers refer to it by the new key from then on
    with `rename_references`; what it extracted stays under the old one. `expected` is the
    fingerprint of the extractor as its editor saw it. Raises InvalidConfiguration,
    ChangedMeanwhile and Unknown, and then nothing is changed.
    """
    with _changing(change, Workflow, workflow_id) as (session, workflow):
        extractor = _chosen(workflow.extractors, key, row.key, expected=expected)
        if extractor is None:
            extractor = Extractor(key=row.key, created_at=change.now)
            workflow.extractors.append(extractor)
        write(extractor, row, change.sealer, now=change.now)
        if rename_references and key is not None and key != row.key:
            let_references_follow(session, workflow, extractors={key: row.key}, now=change.now)
        session.flush()
        return extractor.id


def save_reducer(
    change: Change,
    reducible: Reducible,
    key: str | None,
    row: ReducerRow,
    *,
    rename_references: bool = False,
    expected: str | None = None,
) -> int:
    """Saves a new reducer, or the one with this key as it will be; gives its id.

    As `save_extractor`; what follows another key are conditions, effects and other reducers.
    """
    with _changing(change, _TABLES[reducible.type], reducible.id) as (session, owner):
        reducers = transfer.reducers_of(session, owner)
        reducer = _chosen(reducers, key, row.key, expected=expected)
        if reducer is None:
            reducer = Reducer(
                reducible_type=reducible.type,
                reducible_id=reducible.id,
                key=row.key,
                created_at=change.now,
            )
            session.add(reducer)
        write(reducer, row, change.sealer, now=change.now)
        session.flush()
        if rename_references and key is not None and key != row.key:
            let_references_follow(session, owner, reducers={key: row.key}, now=change.now)
        return reducer.id


def remove_extractor(change: Change, workflow_id: int, key: str) -> None:
    """Removes an extractor; what it extracted stays. Raises Unknown."""
    with _changing(change, Workflow, workflow_id) as (_, workflow):
        removed = _there(workflow.extractors, key)
        workflow.extractors = [one for one in workflow.extractors if one is not removed]


def remove_reducer(change: Change, reducible: Reducible, key: str) -> None:
    """Removes a reducer; what it reduced stays. Raises Unknown."""
    with _changing(change, _TABLES[reducible.type], reducible.id) as (session, owner):
        session.delete(_there(transfer.reducers_of(session, owner), key))


@contextmanager
def _changing(change: Change, table: type[Owner], owner_id: int) -> Iterator[tuple[Session, Owner]]:
    """What changes within is one revision of the owner. Raises Unknown."""
    with change.transaction() as session:
        if table is Project:
            add_project_if_missing(session, owner_id, change.now)
        owner = session.get(table, owner_id)
        if owner is None:
            raise Unknown(f"there is no {table.__name__.lower()} {owner_id} here")
        with transfer.changing(session, owner, author=change.author.name, now=change.now):
            yield session, owner


def add_project_if_missing(session: Session, project_id: int, now: datetime) -> None:
    """The row of a project that is known by its workflows, and of which nothing was configured."""
    known = select(Workflow.project_name).filter_by(project_id=project_id).limit(1)
    for name in session.scalars(known).all():
        add_project(session, project_id, name, now=now)


def _chosen(
    parts: Iterable[Part], key: str | None, wanted: str, *, expected: str | None
) -> Part | None:
    """The part with this key that may get the wanted one; None for a new part."""
    parts = list(parts)
    part = None if key is None else _there(parts, key)
    if part is not None and expected is not None and fingerprint(part) != expected:
        raise ChangedMeanwhile(f"{key} was changed meanwhile")
    if key != wanted and wanted in {one.key for one in parts}:
        raise InvalidConfiguration([Problem("key", f"{wanted!r:.60} is taken; choose another key")])
    return part


def _there(parts: Iterable[Part], key: str) -> Part:
    for part in parts:
        if part.key == key:
            return part
    raise Unknown(f"there is no {key} here")
