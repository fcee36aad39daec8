"""Statements over actions: deciding once, claiming in order, and what became of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session, aliased

from caesar_web.store import bulk
from caesar_web.store.activity import SubjectAction, UserAction
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import among, table_of

Actions = type[SubjectAction] | type[UserAction]


class Kind(NamedTuple):
    """Where the actions on subjects, or those on users, are kept."""

    table: Actions
    target: str


SUBJECT_ACTIONS = Kind(SubjectAction, "subject_id")
USER_ACTIONS = Kind(UserAction, "user_id")
KINDS = (SUBJECT_ACTIONS, USER_ACTIONS)

Decided = tuple[int, int, int]  # effect, its revision, target


class Claim(NamedTuple):
    """An action that this worker performs now."""

    id: int
    workflow_id: int
    target_id: int
    effect_type: str
    config: dict[str, Any]
    attempts: int
    secrets: str | None = None
    target_owner: dict[str, int] | None = None
    payload: Any = None


class Outcome(NamedTuple):
    """What became of an attempt; `not_before` says when to try again."""

    id: int
    attempts: int
    status: str
    last_error: str | None
    not_before: datetime
    completed_at: datetime | None
    updated_at: datetime


def decided(
    session: Session, kind: Kind, effect_ids: Iterable[int], targets: Iterable[int]
) -> set[Decided]:
    """What has been decided already for these effects and targets."""
    table = table_of(kind.table)
    rows = session.execute(
        select(table.c.effect_id, table.c.effect_revision, table.c[kind.target]).where(
            among(table.c[kind.target], targets),
            among(table.c.effect_id, effect_ids),
            table.c.occurrence.is_not(None),
        )
    )
    return {(effect, revision, target) for effect, revision, target in rows}


def write_actions(session: Session, kind: Kind, rows: Sequence[dict[str, Any]]) -> int:
    """Writes decisions in their order; says how many were new."""
    written = bulk.insert(
        session,
        table_of(kind.table),
        rows,
        columns=(
            "workflow_id",
            kind.target,
            "rule_id",
            "effect_id",
            "effect_revision",
            "occurrence",
            "effect_type",
            "config",
            "secrets",
            "target_owner",
            "payload",
            "trace",
            "not_before",
            "created_at",
            "updated_at",
        ),
        conflict=f"(effect_id, effect_revision, {kind.target}, occurrence) DO NOTHING",
        returning=("id",),
    )
    return len(written)


def claim(
    session: Session,
    kind: Kind,
    workflow_id: int,
    *,
    now: datetime,
    lease_until: datetime,
    most: int,
) -> list[Claim]:
    """The next due action of each target, oldest first; ours alone until the lease ends.

    An action waits for the earlier ones of its target, also while another worker performs them.
    """
    table: Any = kind.table
    earlier = aliased(table)
    target = getattr(table, kind.target)
    is_first = ~(
        select(earlier.id)
        .where(
            earlier.workflow_id == workflow_id,
            getattr(earlier, kind.target) == target,
            earlier.status == "pending",
            earlier.id < table.id,
        )
        .exists()
    )
    due = (
        select(table.id)
        .where(
            table.workflow_id == workflow_id,
            table.status == "pending",
            table.not_before <= now,
            is_first,
        )
        .order_by(table.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    ids = list(session.scalars(due))
    rows = session.execute(
        update(table)
        .where(among(table.id, ids), table.status == "pending", table.not_before <= now)
        .values(not_before=lease_until, attempted_at=now, attempts=table.attempts + 1)
        .returning(
            table.id,
            target,
            table.effect_type,
            table.config,
            table.attempts,
            table.secrets,
            table.target_owner,
            table.payload,
        )
        .execution_options(synchronize_session=False)
    )
    claims = (Claim(id, workflow_id, *rest) for id, *rest in rows)
    return sorted(claims, key=lambda one: one.id)


def record(session: Session, kind: Kind, outcomes: Sequence[Outcome]) -> None:
    """Writes what became of attempts, unless another worker has tried since."""
    bulk.update(
        session,
        table_of(kind.table),
        (outcome._asdict() for outcome in outcomes),
        key="id",
        columns=("status", "last_error", "not_before", "completed_at", "updated_at"),
        unchanged=("attempts",),
    )


def workflows_with_due(session: Session, *, now: datetime) -> list[int]:
    """The workflows that have actions to perform now; those of halted ones wait."""
    found: set[int] = set()
    for kind in KINDS:
        table: Any = kind.table
        found.update(
            session.scalars(
                select(table.workflow_id)
                .join(Workflow, Workflow.id == table.workflow_id)
                .where(
                    table.status == "pending", table.not_before <= now, Workflow.status != "halted"
                )
                .distinct()
            )
        )
    return sorted(found)


def next_due(session: Session, workflow_id: int) -> datetime | None:
    """When the next pending action of a workflow may be tried; None where there is none."""
    moments: list[datetime] = []
    for kind in KINDS:
        table: Any = kind.table
        moments += session.scalars(
            select(table.not_before)
            .where(table.workflow_id == workflow_id, table.status == "pending")
            .order_by(table.not_before)
            .limit(1)
        )
    return min(moments, default=None)
