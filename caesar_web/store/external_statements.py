"""Statements over what is asked of services: wanted, claimed, done or put off; the last calls."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, case, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from caesar_web.store import bulk
from caesar_web.store.activity import Exchange, ExternalWork
from caesar_web.store.configuration import Extractor, Reducer, Workflow
from caesar_web.store.db import among, table_of

EXCHANGES_KEPT = 20  # of each extractor or reducer

_work = table_of(ExternalWork)
_UNSYNCHRONIZED = {"synchronize_session": False}
_WANTED_ANEW = """(kind, owner_id, target_id) DO UPDATE SET
    since = CASE WHEN external_work.since < excluded.since THEN external_work.since
        WHEN excluded.since <= external_work.since THEN excluded.since END,
    version = external_work.version + 1, means = excluded.means, host = excluded.host,
    not_before = CASE WHEN external_work.status = 'failed' THEN excluded.not_before
        ELSE external_work.not_before END,
    status = 'waiting', attempts = 0, updated_at = excluded.updated_at"""


class Wanted(NamedTuple):
    """Something to ask for; see `ExternalWork`."""

    kind: str
    means: str
    host: str
    workflow_id: int | None
    owner_id: int
    target_id: int
    since: int | None = None


class Claim(NamedTuple):
    """Something that is ours to ask for, until its lease ends; `attempts` counts this one."""

    id: int
    kind: str
    workflow_id: int | None
    owner_id: int
    target_id: int
    version: int
    attempts: int
    since: int | None = None


class PutOff(NamedTuple):
    """What became of something that is not done."""

    claim: Claim
    not_before: datetime
    error: str | None
    is_over: bool = False
    counts: bool = True


def want(session: Session, wanted: Iterable[Wanted], *, now: datetime) -> set[str]:
    """Writes down what to ask for; gives by whose means. What is asked for already is so anew."""
    moments = {"not_before": now, "created_at": now, "updated_at": now}
    rows = [{**one._asdict(), **moments} for one in sorted(set(wanted), key=str)]
    if rows:
        bulk.insert(
            session, _work, rows, columns=(*Wanted._fields, *moments), conflict=_WANTED_ANEW
        )
    return {row["means"] for row in rows}


def hosts_due(session: Session, means: str, *, now: datetime) -> list[str]:
    """The hosts for which something is due."""
    wanted = select(ExternalWork.host).where(*_due(means, now)).distinct()
    return sorted(session.scalars(wanted))


def means_due(session: Session, *, now: datetime) -> list[str]:
    """Those by whose means something is due."""
    wanted = select(ExternalWork.means).where(
        ExternalWork.status == "waiting", ExternalWork.not_before <= now, _is_workable()
    )
    return sorted(session.scalars(wanted.distinct()))


def claim(
    session: Session, means: str, host: str, *, now: datetime, lease_until: datetime, most: int
) -> list[Claim]:
    """The next things to ask for, which nobody else gets until the lease ends."""
    due = (
        select(ExternalWork.id)
        .where(*_due(means, now), ExternalWork.host == host)
        .order_by(ExternalWork.target_id, ExternalWork.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    claimed = session.execute(
        update(_work)
        .where(_work.c.id.in_(due))
        .values(not_before=lease_until, attempts=_work.c.attempts + 1)
        .returning(*(_work.c[name] for name in Claim._fields))
        .execution_options(**_UNSYNCHRONIZED)
    )
    return sorted((Claim(*row) for row in claimed), key=lambda one: (one.target_id, one.id))


def held(session: Session, claims: Iterable[Claim], *, lease_until: datetime) -> set[int]:
    """The ids of those that are still ours; they are until the transaction ends."""
    ids = [one.id for one in claims]
    wanted = select(ExternalWork.id).where(
        among(ExternalWork.id, ids), ExternalWork.not_before == lease_until
    )
    return set(session.scalars(wanted.with_for_update()))


def finish(session: Session, done: Iterable[Claim], *, now: datetime) -> None:
    """Forgets what is done; what was wanted anew meanwhile is due at once."""
    for one in done:
        is_as_claimed = (_work.c.id == one.id, _work.c.version == one.version)
        gone = session.execute(delete(_work).where(*is_as_claimed).returning(_work.c.id)).first()
        if gone is None:
            _change(session, one, not_before=now, attempts=0)


def put_off(session: Session, outcomes: Iterable[PutOff], *, now: datetime) -> None:
    """Writes when something is asked for again, or that it is not."""
    for one in outcomes:
        attempts = one.claim.attempts if one.counts else one.claim.attempts - 1
        # What was wanted anew meanwhile is not over, whatever became of what was asked.
        status = case((_work.c.version != one.claim.version, "waiting"), else_="failed")
        _change(
            session,
            one.claim,
            not_before=one.not_before,
            attempts=attempts,
            last_error=func.coalesce(one.error, _work.c.last_error),
            updated_at=now,
            **({"status": status} if one.is_over else {}),
        )


def make_due(session: Session, means: str, host: str, *, now: datetime) -> None:
    """Lets all be asked for at once that failed while a host that works again did not."""
    session.execute(
        update(ExternalWork)
        .filter_by(means=means, host=host, status="waiting")
        .where(ExternalWork.attempts > 0, ExternalWork.last_error.is_not(None))
        .values(not_before=now)
        .execution_options(**_UNSYNCHRONIZED)
    )


def numbers(session: Session, kind: str, owner_id: int) -> dict[str, int]:
    """How many things an extractor or reducer is waiting for, and how many have failed."""
    rows = session.execute(
        select(ExternalWork.status, func.count())
        .filter_by(kind=kind, owner_id=owner_id)
        .group_by(ExternalWork.status)
    )
    found = {"waiting": 0, "failed": 0}
    found.update((status, number) for status, number in rows)
    return found


def retry(session: Session, kind: str, owner_id: int, *, now: datetime) -> None:
    """Lets all that is asked of an extractor or reducer be asked for now."""
    session.execute(
        update(ExternalWork)
        .filter_by(kind=kind, owner_id=owner_id)
        .where(or_(ExternalWork.status == "failed", ExternalWork.attempts > 0))
        .values(status="waiting", attempts=0, not_before=now)
        .execution_options(**_UNSYNCHRONIZED)
    )


def forget_orphans(session: Session, *, most: int) -> None:
    """Removes what was asked of extractors and reducers that are gone."""
    gone = (
        select(ExternalWork.id)
        .where(~or_(_of(Extractor, "extractor"), _of(Reducer, "reducer")))
        .limit(most)
    )
    session.execute(
        delete(ExternalWork).where(ExternalWork.id.in_(gone)).execution_options(**_UNSYNCHRONIZED)
    )


def keep_exchanges(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Keeps calls, the latest of each extractor or reducer."""
    session.add_all(Exchange(**row) for row in rows)
    session.flush()
    for kind, owner_id in {(row["kind"], row["owner_id"]) for row in rows}:
        of_owner = select(Exchange.id).filter_by(kind=kind, owner_id=owner_id)
        old = of_owner.order_by(Exchange.id.desc()).offset(EXCHANGES_KEPT)
        session.execute(
            delete(Exchange).where(Exchange.id.in_(old)).execution_options(**_UNSYNCHRONIZED)
        )


def exchanges(session: Session, kind: str, owner_id: int) -> list[Exchange]:
    """The latest calls, the newest first."""
    wanted = select(Exchange).filter_by(kind=kind, owner_id=owner_id)
    return list(session.scalars(wanted.order_by(Exchange.id.desc())))


def _change(session: Session, claim: Claim, **values: Any) -> None:
    session.execute(update(_work).where(_work.c.id == claim.id).values(**values))


def _due(means: str, now: datetime) -> tuple[Any, ...]:
    is_due = (ExternalWork.status == "waiting", ExternalWork.not_before <= now)
    return (ExternalWork.means == means, *is_due, _is_workable())


def _is_workable() -> Any:
    """Neither paused nor halted is who wants it, nor halted their workflow."""
    active = (
        _of(table, kind, table.status == "active")
        for kind, table in (("extractor", Extractor), ("reducer", Reducer))
    )
    halted = exists().where(Workflow.id == ExternalWork.workflow_id, Workflow.status == "halted")
    return and_(or_(*active), ~halted)


def _of(table: Any, kind: str, *conditions: Any) -> Any:
    is_there = exists().where(table.id == ExternalWork.owner_id, *conditions)
    return and_(ExternalWork.kind == kind, is_there)
