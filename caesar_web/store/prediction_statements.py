"""Statements over predictions: extracts without a classification, and the files they come from."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from caesar_web.store import bulk
from caesar_web.store.db import table_of
from caesar_web.store.results import Extract
from caesar_web.store.runs import RunFile

_COLUMNS = (
    "extractor_key",
    "subject_id",
    "data",
    "workflow_version",
    "workflow_id",
    "project_id",
    "classification_at",
    "machine_data",
    "created_at",
    "updated_at",
)


class Slice(NamedTuple):
    """A part of a file, and whether the file ends with it."""

    body: bytes
    is_last: bool


def write(session: Session, rows: Iterable[Mapping[str, Any]], *, now: datetime) -> int:
    """Writes predictions, new or again; by how many there are more than before."""
    written = bulk.insert(
        session,
        table_of(Extract),
        rows,
        columns=_COLUMNS,
        conflict="(workflow_id, subject_id, extractor_key) WHERE classification_id IS NULL"
        " DO UPDATE SET data = excluded.data, workflow_version = excluded.workflow_version,"
        " updated_at = excluded.updated_at",
        returning=("id", "created_at"),
    )
    return [row.created_at for row in written].count(now)


def slice_of(session: Session, run_id: int, *, start: int, most: int) -> Slice | None:
    """A part of a run's file; None where there is no file."""
    wanted = select(func.substr(RunFile.body, start + 1, most), func.length(RunFile.body)).where(
        RunFile.run_id == run_id
    )
    found = session.execute(wanted).one_or_none()
    if found is None:
        return None
    part, length = found
    return Slice(bytes(part), start + most >= length)
