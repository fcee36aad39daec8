"""Statements over events that were refused: looking through them, and what becomes of them."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from caesar_web.store import bulk
from caesar_web.store.db import among, table_of
from caesar_web.store.inbox import RejectedEvent

MOST = 2_000
LONGEST_REASON = 600
LONGEST_SHOWN = 2_000

_rejected = table_of(RejectedEvent)


class Refused(NamedTuple):
    """An event that was refused, without what stands in it."""

    id: int
    reason: str
    at: datetime


class Shown(NamedTuple):
    """As much of an event's JSON text as a page shows, and how long all of it is."""

    text: str
    length: int


def newest(session: Session, *, most: int = MOST) -> list[Refused]:
    """The newest refused events."""
    return [Refused(*row) for row in session.execute(_refused().limit(most))]


def named(session: Session, ids: Collection[int]) -> list[Refused]:
    """Those of these events that are still here."""
    wanted = _refused().where(among(RejectedEvent.id, ids))
    return [Refused(*row) for row in session.execute(wanted)]


def shown(session: Session, ids: Collection[int]) -> dict[int, Shown]:
    """What stands in some events, cut."""
    rows = session.execute(
        select(
            RejectedEvent.id,
            func.substr(RejectedEvent.event, 1, LONGEST_SHOWN),
            func.length(RejectedEvent.event),
        ).where(among(RejectedEvent.id, ids))
    )
    return {id: Shown(text, length) for id, text, length in rows}


def texts(session: Session, ids: Collection[int]) -> list[tuple[int, str]]:
    """The events in the order in which they came, as JSON text; nobody else takes them now."""
    wanted = (
        select(RejectedEvent.id, RejectedEvent.event)
        .where(among(RejectedEvent.id, ids))
        .order_by(RejectedEvent.id)
        .with_for_update()
    )
    return [(id, text) for id, text in session.execute(wanted)]


def remove(session: Session, ids: Collection[int]) -> int:
    """Removes events; how many those were."""
    removed = session.scalars(
        delete(RejectedEvent)
        .where(among(RejectedEvent.id, ids))
        .returning(RejectedEvent.id)
        .execution_options(synchronize_session=False)
    )
    return len(removed.all())


def give_reasons(session: Session, reasons: Iterable[tuple[int, str]]) -> None:
    """Says anew why events were refused."""
    rows = ({"id": id, "reason": reason} for id, reason in reasons)
    bulk.update(session, _rejected, rows, key="id", columns=("reason",))


def _refused() -> Select[Any]:
    reason = func.substr(RejectedEvent.reason, 1, LONGEST_REASON)
    columns = (RejectedEvent.id, reason, RejectedEvent.received_at)
    return select(*columns).order_by(RejectedEvent.id.desc())
