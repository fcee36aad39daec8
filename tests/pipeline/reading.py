"""What a test finds in the database after the pipeline has worked."""

from typing import Any

from sqlalchemy import select

from caesar_web.store.activity import Light
from caesar_web.store.db import db

Rows = list[tuple[Any, ...]]


def rows(*columns: Any, where: Any = True, by: Any = None) -> Rows:
    """The values of columns, in the order of `by` or else of the first column."""
    order = by if isinstance(by, tuple) else (columns[0] if by is None else by,)
    found = db.session.execute(select(*columns).where(where).order_by(*order))
    values: Rows = [tuple(row) for row in found]
    db.session.rollback()
    return values


def by_first(first: Any, second: Any, *, where: Any = True) -> dict[Any, Any]:
    """The second column by the first."""
    return {row[0]: row[1] for row in rows(first, second, where=where)}


def values(column: Any, where: Any = True, by: Any = None) -> list[Any]:
    """The values of one column."""
    return [value for (value,) in rows(column, where=where, by=by)]


def light(kind: str, id: int) -> str:
    """The outcomes that a light shows; nothing where it has always been green."""
    found: list[str] = values(Light.outcomes, (Light.kind == kind) & (Light.name == str(id)))
    return found[0] if found else ""
