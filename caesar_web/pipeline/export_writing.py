"""Writing the rows of a window to the file of an export, as CSV or JSON lines."""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple, TextIO

from sqlalchemy.orm import Session

from caesar_web.domain import export_cells as cells
from caesar_web.domain.export_cells import Late
from caesar_web.storage import writing
from caesar_web.store import export_rows
from caesar_web.store.db import load_json
from caesar_web.store.export_rows import Raw, Source, Window
from caesar_web.store.run_statements import Failure

MOST_FAILURES = 20  # of a window, so that one odd extractor does not fill a table
MOST_KEYS_NAMED = 3

_LONG_NUMBER = re.compile(r"\d{19}", re.ASCII)  # the quick reader would round it


class Written(NamedTuple):
    """What was written: so many rows, how long the file is now, and what is not in it."""

    rows: int
    length: int
    failures: Sequence[Failure]


class _Rows:
    """Rows that end with a line feed alone.

    The writer of the standard library quotes what it would end a row with: so it is told of both
    characters, or a carriage return within a cell would begin a row of its own.
    """

    quoted_end = "\r\n"

    def __init__(self, text: TextIO) -> None:
        self._text = text

    def write(self, row: str) -> int:
        return self._text.write(row.removesuffix(self.quoted_end) + "\n")


def write_rows(
    session: Session,
    source: Source,
    window: Window | None,
    file: BinaryIO,
    at: Mapping[str, Any],
) -> Written:
    """Writes behind the length that is noted; first of all the names of the columns."""
    failures: list[Failure] = []
    found = iter(()) if window is None else export_rows.rows(session, source, window)
    with writing.appended(file, at=at["length"], is_gzip=source.export.is_gzip) as text:
        if source.export.format == "csv":
            number = _as_csv(text, source, found, at, failures)
        else:
            number = _as_lines(text, source, found)
    return Written(number, file.tell(), failures)


def _as_csv(
    text: TextIO,
    source: Source,
    found: Iterator[Raw],
    at: Mapping[str, Any],
    failures: list[Failure],
) -> int:
    columns, name = source.table.columns, source.table.data[0]
    keys, bare = at["keys"], at["bare"]
    known = frozenset(keys)
    writer = csv.writer(_Rows(text), lineterminator=_Rows.quoted_end)
    if at["part"] is None:
        writer.writerow(cells.header(columns, name, keys, bare=bare))
    number = 0
    for row in found:
        number += 1
        data = _data(row[len(columns)])
        writer.writerow(cells.cells(row, columns, data, keys, bare=bare))
        late = cells.late(data, known, bare=bare)
        if late is not None and len(failures) < MOST_FAILURES:
            failures.append(_failure(source, row[0], late))
    return number


def _as_lines(text: TextIO, source: Source, found: Iterator[Raw]) -> int:
    columns, names = source.table.columns, source.table.data
    number = 0
    for row in found:
        number += 1
        documents = map(_data, row[len(columns) :])
        data = dict(zip(names, documents, strict=True))
        text.write(cells.line(row, columns, data) + "\n")
    return number


def _data(text: str | None) -> Any:
    if text is None:
        return None
    return json.loads(text) if _LONG_NUMBER.search(text) else load_json(text)


def _failure(source: Source, id: Any, late: Late) -> Failure:
    row = f"{source.export.kind.removesuffix('s').replace('_', ' ')} {id}"
    what = ", ".join(late.keys[:MOST_KEYS_NAMED]) or "data that are no object"
    return Failure(row, f"came by while the file was written, and is not in it: {what}")
