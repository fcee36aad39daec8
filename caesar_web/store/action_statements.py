"""Statements over actions: deciding once, claiming in order, and what became of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session, aliased

from caesar_web.store import bulk
from caesar_web.store.activity import SubjectAction, UserAction
from caesar_web.store.db import among, table_of
from caesar_web.store.destinations import Going, goes
from caesar_web.store.freeze_statements import is_frozen

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
    """What became of an attempt; `not_before` says when to try again.

    `counts` is False where it was not begun, or only tried whether a host works again.
    """

    id: int
    attempts: int
    status: str
    last_error: str | None
    not_before: datetime
    completed_at: datetime | None
    updated_at: datetime
    counts: bool = True


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
    but: Going | None = None,
    only: Going | None = None,
) -> list[Claim]:
    """The next due action of each target, oldest first; ours alone until the lease ends.

    An action waits for the earlier ones of its target, also while another worker performs them.
    `but` and `only` say where actions go that are left out, or that alone are wanted: those that
    were tried least lately come first then, so that none is tried all the time.
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
            ~is_frozen(workflow_id),
        )
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    if but:
        due = due.where(~goes(table, but))
    if only:
        due = due.where(goes(table, only)).order_by(table.attempted_at.nulls_first())
    ids = list(session.scalars(due.order_by(table.id)))
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
    _take_back(session, kind, [one for one in outcomes if not one.counts])
    bulk.update(
        session,
        table_of(kind.table),
        (outcome._asdict() for outcome in outcomes if outcome.counts),
        key="id",
        columns=("status", "last_error", "not_before", "completed_at", "updated_at"),
        unchanged=("attempts",),
    )


def _take_back(session: Session, kind: Kind, outcomes: Sequence[Outcome]) -> None:
    """Makes actions wait again as if they had not been claimed, with what is known of them."""
    table = table_of(kind.table)
    given = [
        {"of": one.id, "claimed": one.attempts, "error": one.last_error, "at": one.not_before}
        for one in outcomes
    ]
    if not given:
        return
    at = bindparam("at", type_=table.c.not_before.type)
    error = bindparam("error", type_=table.c.last_error.type)
    taken_back = (
        update(table)
        .where(
            table.c.id == bindparam("of"),
            table.c.attempts == bindparam("claimed"),
            table.c.status == "pending",
        )
        .values(
            attempts=table.c.attempts - 1,
            not_before=at,
            updated_at=at,
            last_error=func.coalesce(error, table.c.last_error),
        )
    )
    session.connection().execute(taken_back, given)
