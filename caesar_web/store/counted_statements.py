"""Statements over what running reductions have counted."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import delete, select, union
from sqlalchemy.orm import Session

from caesar_web.domain.classification import Extract
from caesar_web.domain.series import Counted
from caesar_web.store import bulk
from caesar_web.store.db import among, among_rows, table_of
from caesar_web.store.result_statements import Topic


def counted_among(
    session: Session,
    topic: Topic,
    subgroups: Mapping[int, str],
    extracts: Mapping[int, Iterable[Extract]],
) -> list[tuple[int, Counted]]:
    """What running reductions have counted of extracts, or of their volunteers' on a subject.

    Gives the reduction's id with each; subgroups, and the extracts that come, are given by it.
    """
    table = table_of(topic.counted).c
    coming = [(reduction_id, one) for reduction_id, each in extracts.items() for one in each]
    as_it_is = {(id, one.id) for id, one in coming}
    anew = {(id, one.classification_id) for id, one in coming if one.classification_id is not None}
    again = {(id, one.user_id, one.subject_id) for id, one in coming if one.user_id is not None}
    looked_for = (
        among_rows([table.reduction_id, table.extract_id], as_it_is),
        among_rows([table.reduction_id, table.classification_id], anew),
        among_rows([table.reduction_id, table.user_id, table.subject_id], again),
    )
    columns = (
        table.reduction_id,
        table.classification_id,
        table.extract_id,
        table.extractor_key,
        table.user_id,
        table.subject_id,
    )
    found = session.execute(union(*(select(*columns).where(each) for each in looked_for)))
    return [(row[0], Counted(subgroups[row[0]], *row[1:])) for row in found]


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
