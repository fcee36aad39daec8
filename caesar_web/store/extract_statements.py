"""Statements over extracts of chosen extractors or times, for parts that do not always work."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from caesar_web.domain.classification import Extract as ExtractValue
from caesar_web.store.db import among, table_of
from caesar_web.store.result_statements import Topic, is_of
from caesar_web.store.results import Extract
from caesar_web.store.snapshot import Reducible

_table = table_of(Extract)
_VALUE_COLUMNS = tuple(
    _table.c[name] for name in ExtractValue._fields if name != "relevant_reduction"
)
_WRITTEN_COLUMNS = tuple(one for one in _table.c if one.name not in ("id", "machine_data"))


def extracts_by(
    session: Session, classification_ids: Iterable[int], extractor_keys: Iterable[str]
) -> list[ExtractValue]:
    """What some extractors made of some classifications."""
    where = _made_by(classification_ids, extractor_keys)
    return [ExtractValue(*row) for row in session.execute(select(*_VALUE_COLUMNS).where(*where))]


def extracts_of(
    session: Session, classification_ids: Iterable[int]
) -> dict[int | None, list[ExtractValue]]:
    """All extracts of some classifications, in the order of their ids."""
    wanted = select(*_VALUE_COLUMNS).where(among(_table.c.classification_id, classification_ids))
    found: dict[int | None, list[ExtractValue]] = {}
    for row in session.execute(wanted.order_by(_table.c.id)):
        extract = ExtractValue(*row)
        found.setdefault(extract.classification_id, []).append(extract)
    return found


def rows(session: Session, ids: Iterable[int]) -> dict[int, Extract]:
    """Extracts with all that is kept of them, by id."""
    found = session.scalars(select(Extract).where(among(Extract.id, ids)))
    return {row.id: row for row in found}


def take_out(
    session: Session, classification_ids: Iterable[int], extractor_keys: Iterable[str]
) -> list[dict[str, Any]]:
    """Removes what some extractors made of some classifications; gives it, in the order of ids."""
    where = _made_by(classification_ids, extractor_keys)
    rows = session.execute(select(*_WRITTEN_COLUMNS).where(*where).order_by(_table.c.id))
    taken = [dict(row) for row in rows.mappings()]
    session.execute(delete(Extract).where(*where).execution_options(synchronize_session=False))
    return taken


def written_within(
    session: Session,
    reducible: Reducible,
    topic: Topic,
    targets: Iterable[int],
    spans: Iterable[tuple[datetime, datetime]],
) -> list[ExtractValue]:
    """The extracts of some subjects or users that were first written within some spans of time."""
    rows = session.execute(
        select(*_VALUE_COLUMNS).where(
            is_of(reducible, topic, targets),
            or_(*(_table.c.created_at.between(*span) for span in spans)),
        )
    )
    return [ExtractValue(*row) for row in rows]


def _made_by(classification_ids: Iterable[int], extractor_keys: Iterable[str]) -> tuple[Any, ...]:
    return (
        among(_table.c.classification_id, classification_ids),
        _table.c.extractor_key.in_(list(extractor_keys)),
    )
