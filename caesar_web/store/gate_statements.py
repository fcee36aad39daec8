"""Statements over the lights of hosts, which say until when calls to them are held back."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, String, select, update
from sqlalchemy.orm import Session

from caesar_web.store import bulk
from caesar_web.store.activity import Light
from caesar_web.store.db import among, table_of

HOST = "host"


def lights(session: Session, hosts: Collection[str] | None = None) -> dict[str, Light]:
    """The lights of these hosts, or of all; those that never failed have none."""
    wanted = select(Light).filter_by(kind=HOST)
    if hosts is not None:
        wanted = wanted.where(among(Light.name, hosts, member=String))
    rows = session.scalars(wanted.execution_options(populate_existing=True))
    return {row.name: row for row in rows}


def locked(session: Session, host: str, *, now: datetime) -> Light:
    """A host's light for this transaction alone, made where there is none."""
    bulk.insert(
        session,
        table_of(Light),
        [{"kind": HOST, "name": host, "outcomes": "", "failures": 0, "updated_at": now}],
        columns=("kind", "name", "outcomes", "failures", "updated_at"),
        conflict="(kind, name) DO NOTHING",
    )
    wanted = select(Light).filter_by(kind=HOST, name=host).with_for_update()
    return session.scalars(wanted.execution_options(populate_existing=True)).one()


def take_trial(session: Session, host: str, *, now: datetime, until: datetime) -> bool:
    """Whether the one try of a host whose cool-off is over is ours; nobody else's until then."""
    return _move(session, host, Light.held_until <= now, until)


def end_cool_off(session: Session, host: str, *, now: datetime) -> bool:
    """Lets the host be tried now; False where it is not held back."""
    return _move(session, host, Light.held_until.is_not(None), now)


def _move(session: Session, host: str, where: ColumnElement[bool], until: datetime) -> bool:
    moved = session.execute(
        update(Light)
        .where(Light.kind == HOST, Light.name == host, where)
        .values(held_until=until)
        .returning(Light.id)
        .execution_options(synchronize_session=False)
    )
    return moved.first() is not None
