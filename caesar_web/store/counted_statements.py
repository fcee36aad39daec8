"""Statements over what running reductions have counted."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from caesar_web.domain.classification import Extract
from caesar_web.domain.series import Counted
from caesar_web.store import bulk
from caesar_web.store.db import among, table_of
from caesar_web.store.result_statements import Topic


def counted_among(
    session: Session, topic: Topic, reductions: Mapping[int, str], extracts: Sequence[Extract]
) -> list[tuple[int, Counted]]:
    """What running reductions have counted of these extracts, or of their volunteers' on a subject.

    Gives the reduction's id with each. `reductions` gives their subgroups by their ids.
    """
    table = table_of(topic.counted)
    may_come_again = or_(
        among(table.c.extract_id, {one.id for one in extracts}),
        among(table.c.classification_id, _known(one.classification_id for one in extracts)),
        among(table.c.user_id, _known(one.user_id for one in extracts))
        & among(table.c.subject_id, {one.subject_id for one in extracts}),
    )
    rows = session.execute(
        select(
            table.c.reduction_id,
            table.c.classification_id,
            table.c.extract_id,
            table.c.extractor_key,
            table.c.user_id,
            table.c.subject_id,
        ).where(among(table.c.reduction_id, reductions), may_come_again)
    )
    return [(row[0], Counted(reductions[row[0]], *row[1:])) for row in rows]


def forget_counted(session: Session, topic: Topic, reduction_ids: Iterable[int]) -> None:
    """Lets running reductions count again what they have counted."""
    table = table_of(topic.counted)
    session.execute(delete(table).where(among(table.c.reduction_id, reduction_ids)))


def write_counted(session: Session, topic: Topic, counted: Sequence[tuple[int, Counted]]) -> None:
    """Remembers what running reductions have counted, by the reductions' ids."""
    rows = (
        {
            "reduction_id": reduction_id,
            **{n: v for n, v in one._asdict().items() if n != "subgroup"},
        }
        for reduction_id, one in counted
    )
    bulk.insert(
        session,
        table_of(topic.counted),
        rows,
        columns=(
            "reduction_id",
            "extract_id",
            "classification_id",
            "extractor_key",
            "user_id",
            "subject_id",
        ),
        conflict="(reduction_id, extract_id) DO NOTHING",
    )


def _known(ids: Iterable[int | None]) -> set[int]:
    return {id for id in ids if id is not None}
