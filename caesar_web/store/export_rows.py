"""The rows of an export: how many there are and which keys their data have, and then each.

All is asked for within a window of ids, so that no statement and no transaction takes long.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, Text, case, cast, func, select, true
from sqlalchemy.orm import Session

from caesar_web.domain.export_cells import FLAG, MOMENT, Column
from caesar_web.domain.exports import Export
from caesar_web.store.export_tables import (
    EXPORT_TABLES,
    ExportTable,
    filters_of,
    is_indexed,
    scope_of,
)
from caesar_web.store.snapshot import Reducible

FETCHED_AT_ONCE = 1000
MOMENT_TEXT = 'YYYY-MM-DD"T"HH24:MI:SS.US'  # as SQLite keeps it, but for the time zone

Raw = tuple[Any, ...]


class Window(NamedTuple):
    """The ids after the one, up to the other."""

    after: int
    last: int


class Seen(NamedTuple):
    """What a window holds: rows, the keys of their data, whether some data are no object."""

    rows: int
    keys: frozenset[str]
    is_bare: bool


@dataclass(frozen=True)
class Source:
    """What an export reads."""

    reducible: Reducible
    export: Export

    @property
    def table(self) -> ExportTable:
        return EXPORT_TABLES[self.export.kind]

    @property
    def id(self) -> Any:
        return self.table.model.id

    def conditions(self, window: Window) -> tuple[Any, ...]:
        return (
            scope_of(self.table, self.reducible),
            *filters_of(self.table, self.export),
            self.id > window.after,
            self.id <= window.last,
        )


def highest_id(session: Session, source: Source) -> int:
    """The last row there is now, of whomever: later ones are not exported."""
    return session.scalar(select(func.max(source.id))) or 0


def next_window(
    session: Session, source: Source, *, after: int, top: int, most: int
) -> Window | None:
    """The next ids to look at, at most so many; None where there are none any more."""
    if is_indexed(source.table, source.reducible):
        scope = scope_of(source.table, source.reducible)
        wanted = select(func.min(source.id)).where(scope, source.id > after, source.id <= top)
        first = session.scalar(wanted)
        if first is None:
            return None
        after = first - 1
    return None if after >= top else Window(after, min(after + most, top))


def look(session: Session, source: Source, window: Window, *, for_keys: bool) -> Seen:
    """What there is in a window; its keys only where they are asked for."""
    data = _data(source)
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    kind = (func.jsonb_typeof if is_postgresql else func.json_type)(data)
    conditions = source.conditions(window)
    counted = select(func.count(), func.count().filter(kind.not_in(("object", "null"))))
    rows, bare = session.execute(counted.where(*conditions)).one()
    if not rows or not for_keys:
        return Seen(rows, frozenset(), is_bare=False)
    if is_postgresql:
        keys = select(func.jsonb_object_keys(data)).distinct()
    else:
        each = func.json_each(data).table_valued("key")
        keys = select(each.c.key).distinct().select_from(source.table.model).join(each, true())
    found = session.scalars(keys.where(*conditions, kind == "object"))
    return Seen(rows, frozenset(found), bool(bare))


def rows(session: Session, source: Source, window: Window) -> Iterator[Raw]:
    """Each row by its id: its columns as texts or numbers, then its data as JSON text."""
    connection = session.connection()
    is_postgresql = connection.dialect.name == "postgresql"
    table = source.table
    columns = [_read(table, column, is_postgresql) for column in table.columns]
    data = [cast(getattr(table.model, name), Text) for name in table.data]
    wanted = select(*columns, *data).where(*source.conditions(window)).order_by(source.id)
    if is_postgresql:
        yield from _copied(connection, wanted)
        return
    found = connection.execute(wanted, execution_options={"yield_per": FETCHED_AT_ONCE})
    yield from (tuple(row) for row in found)


def _copied(connection: Connection, wanted: Select[Any]) -> Iterator[Raw]:
    """The rows as PostgreSQL streams them, every value as a text."""
    compiled = wanted.compile(dialect=connection.dialect)
    driver: Any = connection.connection.driver_connection
    statement = f"COPY ({compiled}) TO STDOUT"
    with driver.cursor() as cursor, cursor.copy(statement, compiled.params) as copy:
        yield from copy.rows()


def _read(table: ExportTable, column: Column, is_postgresql: bool) -> Any:
    value = table.column(column.name)
    if column.kind == FLAG:
        return case((value, "true"), else_="false")
    if column.kind == MOMENT:
        return func.to_char(value, MOMENT_TEXT) if is_postgresql else cast(value, Text)
    return value


def _data(source: Source) -> Any:
    return getattr(source.table.model, source.table.data[0])
