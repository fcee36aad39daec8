"""Statements over what rules would have done during runs that do not act."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, delete, exists, func, select
from sqlalchemy.orm import Session

from caesar_web.store import bulk
from caesar_web.store.action_statements import KINDS, SUBJECT_ACTIONS, Kind
from caesar_web.store.configuration import SubjectRuleEffect, UserRuleEffect
from caesar_web.store.db import among, table_of
from caesar_web.store.runs import Withheld

COLUMNS = (
    "run_id",
    "target_type",
    "target_id",
    "workflow_id",
    "rule_id",
    "effect_id",
    "effect_revision",
    "effect_type",
    "payload",
    "trace",
    "created_at",
)
_IDENTITY = "(run_id, target_type, effect_id, effect_revision, target_id)"
_withheld = table_of(Withheld)


class Summed(NamedTuple):
    """How many targets an effect would have acted on."""

    target_type: str
    rule_id: int
    effect_id: int
    effect_revision: int
    effect_type: str
    number: int


def type_of(kind: Kind) -> str:
    """How `Withheld` calls the targets of these actions: "subject" or "user"."""
    return kind.target.removesuffix("_id")


def write(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Keeps decisions: the first of each effect and target, with the newest payload."""
    conflict = f"{_IDENTITY} DO UPDATE SET payload = excluded.payload"
    bulk.insert(session, _withheld, rows, columns=COLUMNS, conflict=conflict)


def summed(session: Session, run_id: int) -> list[Summed]:
    """What a run withheld that has not been decided otherwise since, by effect."""
    found: list[Summed] = []
    for kind in KINDS:
        columns = (
            Withheld.rule_id,
            Withheld.effect_id,
            Withheld.effect_revision,
            Withheld.effect_type,
        )
        rows = session.execute(
            select(*columns, func.count())
            .where(*_open(run_id, kind))
            .group_by(*columns)
            .order_by(*columns)
        )
        found += (Summed(type_of(kind), *row) for row in rows)
    return found


def next_ones(session: Session, kind: Kind, run_id: int, *, most: int) -> list[Any]:
    """Withheld decisions with their effects as they are now; those of changed effects are gone."""
    effects, is_same = _effects(kind)
    rows = session.execute(
        select(Withheld, effects)
        .join(effects, is_same)
        .where(*_open(run_id, kind))
        .order_by(Withheld.id)
        .limit(most)
    )
    return list(rows)


def count(session: Session, run_id: int) -> int:
    """How many decisions `next_ones` would give in all."""
    number = 0
    for kind in KINDS:
        effects, is_same = _effects(kind)
        wanted = select(func.count()).select_from(Withheld).join(effects, is_same)
        number += session.scalar(wanted.where(*_open(run_id, kind))) or 0
    return number


def effects_now(session: Session, wanted: Sequence[Summed]) -> dict[Summed, Any]:
    """The effects that are as they were when they were decided; those that were changed act no
    more.
    """
    found: dict[Summed, Any] = {}
    for kind in KINDS:
        of = [one for one in wanted if one.target_type == type_of(kind)]
        effects, _ = _effects(kind)
        ids = {one.effect_id for one in of}
        rows = {
            row.id: row for row in session.scalars(select(effects).where(among(effects.id, ids)))
        }
        for one in of:
            row = rows.get(one.effect_id)
            if row is not None and row.revision == one.effect_revision:
                found[one] = row
    return found


def remove(session: Session, ids: Sequence[int]) -> None:
    session.execute(delete(Withheld).where(among(Withheld.id, ids)))


def _effects(kind: Kind) -> tuple[Any, Any]:
    """The table of effects, and when one is as it was when it was decided."""
    table: Any = SubjectRuleEffect if kind is SUBJECT_ACTIONS else UserRuleEffect
    return table, and_(table.id == Withheld.effect_id, table.revision == Withheld.effect_revision)


def _open(run_id: int, kind: Kind) -> tuple[Any, ...]:
    """What nobody has decided since; external effects act each time."""
    actions: Any = kind.table
    decided = exists().where(
        actions.effect_id == Withheld.effect_id,
        actions.effect_revision == Withheld.effect_revision,
        getattr(actions, kind.target) == Withheld.target_id,
        actions.occurrence == 0,
    )
    return Withheld.run_id == run_id, Withheld.target_type == type_of(kind), ~decided


def applied_row(withheld: Withheld, effect: Any, kind: Kind, *, now: datetime) -> dict[str, Any]:
    """The action that a withheld decision becomes."""
    return {
        "workflow_id": withheld.workflow_id,
        kind.target: withheld.target_id,
        "rule_id": withheld.rule_id,
        "effect_id": effect.id,
        "effect_revision": effect.revision,
        "effect_type": effect.action,
        "config": effect.config,
        "secrets": effect.secrets,
        "target_owner": effect.target_owner,
        "payload": withheld.payload,
        "trace": withheld.trace,
        "not_before": now,
        "created_at": now,
        "updated_at": now,
    }
