"""Many rows in one statement: they travel as one JSON document, whatever their number."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, text
from sqlalchemy.orm import Session
from sqlalchemy.types import JSON

from caesar_web.store.db import dump_json

Row = Mapping[str, Any]


def insert(
    session: Session,
    table: Table,
    rows: Iterable[Row],
    *,
    columns: Sequence[str],
    conflict: str = "",
    returning: Sequence[str] = (),
) -> list[Any]:
    """Inserts rows of `columns`, in their order; gives the `returning` columns of what was written.

    `conflict` is what follows ON CONFLICT, such as "(id) DO NOTHING".
    """
    dialect = session.get_bind().dialect
    statement = _insert(dialect, table, tuple(columns), conflict, tuple(returning))
    result = session.execute(statement, {"rows": _document(dialect, rows)})
    return list(result) if returning else []


def update(
    session: Session,
    table: Table,
    rows: Iterable[Row],
    *,
    key: str,
    columns: Sequence[str],
    unchanged: Sequence[str] = (),
) -> None:
    """Sets `columns` of the rows that `key` names, where `unchanged` still are as given."""
    dialect = session.get_bind().dialect
    statement = _update(dialect, table, (key, *unchanged), tuple(columns))
    session.execute(statement, {"rows": _document(dialect, rows)})


def _document(dialect: Any, rows: Iterable[Row]) -> str:
    return dump_json(list(rows), fixed_width_times=dialect.name == "sqlite")


@lru_cache(maxsize=256)
def _insert(
    dialect: Any, table: Table, columns: tuple[str, ...], conflict: str, returning: tuple[str, ...]
) -> Any:
    names = ", ".join(columns)
    given = _rows(dialect, table, columns)
    clauses = [
        f"INSERT INTO {table.name} ({names}) SELECT {names} FROM ({given}) AS given",
        "WHERE true",  # without it, SQLite reads ON CONFLICT as a join
    ]
    if conflict:
        clauses.append(f"ON CONFLICT {conflict}")
    if returning:
        clauses.append(f"RETURNING {', '.join(returning)}")
    statement = text(" ".join(clauses))
    return statement.columns(*(table.c[name] for name in returning)) if returning else statement


@lru_cache(maxsize=64)
def _update(dialect: Any, table: Table, keys: tuple[str, ...], columns: tuple[str, ...]) -> Any:
    given = _rows(dialect, table, (*keys, *columns))
    named = " AND ".join(f"{table.name}.{key} = given.{key}" for key in keys)
    changes = ", ".join(f"{name} = given.{name}" for name in columns)
    return text(f"UPDATE {table.name} SET {changes} FROM ({given}) AS given WHERE {named}")


def _rows(dialect: Any, table: Table, columns: tuple[str, ...]) -> str:
    """A SELECT that reads the JSON document `:rows` as rows of `columns`."""
    kinds = [(name, table.c[name].type) for name in columns]
    if dialect.name == "postgresql":
        typed = ", ".join(f"{name} {kind.compile(dialect=dialect)}" for name, kind in kinds)
        return f"SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS rows({typed})"
    read = ", ".join(f"{_read_on_sqlite(name, kind)} AS {name}" for name, kind in kinds)
    return f"SELECT {read} FROM json_each(:rows)"


def _read_on_sqlite(name: str, kind: Any) -> str:
    if isinstance(kind, JSON):
        return f"nullif(value -> '$.{name}', 'null')"
    return f"json_extract(value, '$.{name}')"
