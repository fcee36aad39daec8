"""Predictions of machines as a CSV file: which columns it has, and what is wrong with a row."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from caesar_web.domain.events import LARGEST_ID
from caesar_web.domain.keys import is_key
from caesar_web.domain.values import DomainError, Unstorable, check_storable

REQUIRED = ("extractor_key", "subject_id", "data")
BOM = b"\xef\xbb\xbf"
LONGEST_CELL = 1_000_000  # characters


class Prediction(NamedTuple):
    """What a machine says of a subject, which becomes an extract without a classification."""

    extractor_key: str
    subject_id: int
    data: Any
    workflow_version: str | None


class Bad(NamedTuple):
    """A row that cannot be taken, and why."""

    reason: str


class Row(NamedTuple):
    """A row: its number in the file, the bytes up to its end, and what it says."""

    number: int
    end: int
    content: Prediction | Bad


class UnusableFile(DomainError):
    """A file that holds no predictions; the text says why."""


def columns(body: bytes) -> tuple[list[str], int]:
    """The names of a file's columns, and the bytes up to its first row. Raises UnusableFile."""
    lines = _Lines(body, len(BOM) if body.startswith(BOM) else 0)
    try:
        names = [name.strip().lower() for name in next(_reader(lines), [])]
    except csv.Error as problem:
        raise UnusableFile(f"this is no CSV: {problem}") from None
    absent = [name for name in REQUIRED if name not in names]
    if absent:
        raise UnusableFile(f"the file has no column {' and no column '.join(absent)}")
    return names, lines.end


def rows(body: bytes, names: list[str], *, start: int, number: int) -> Iterator[Row]:
    """The rows from a byte on, the first of which is row `number`. Blank ones are passed over."""
    lines = _Lines(body, start)
    reader = _reader(lines)
    while True:
        try:
            cells = next(reader)
            content = _read(dict(zip(names, cells, strict=False))) if any(cells) else None
        except StopIteration:
            return
        except csv.Error as problem:
            content = Bad(f"this is no CSV: {problem}")
        if content is not None:
            yield Row(number, lines.end, content)
        number += 1


class _Lines:
    """Lines of a file as text, and how many bytes those have that were read."""

    def __init__(self, body: bytes, start: int) -> None:
        self._body = body
        self.end = start

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self.end >= len(self._body):
            raise StopIteration
        found = self._body.find(b"\n", self.end)
        end = len(self._body) if found < 0 else found + 1
        line = self._body[self.end : end]
        self.end = end
        return line.decode("utf-8", "surrogateescape").replace("\0", "\ufffd")


def _reader(lines: Iterable[str]) -> Iterator[list[str]]:
    csv.field_size_limit(LONGEST_CELL)
    return csv.reader(lines)


def _read(cells: Mapping[str, str]) -> Prediction | Bad:
    key, subject = cells.get("extractor_key", "").strip(), cells.get("subject_id", "").strip()
    if not is_key(key):
        return Bad(f"extractor_key is {key!r:.60}, which cannot be a key")
    is_id = subject.isascii() and subject.isdecimal() and 0 < int(subject[:20]) <= LARGEST_ID
    if not is_id:
        return Bad(f"subject_id must be an id, not {subject!r:.60}")
    try:
        data = json.loads(cells.get("data", ""))
        check_storable(data, "data")
    except Unstorable as problem:
        return Bad(str(problem))
    except (ValueError, RecursionError):
        return Bad("data is not JSON")
    if not isinstance(data, dict):
        return Bad("data must be a JSON object")
    version = cells.get("workflow_version", "").strip()
    if not version.isprintable() or len(version) > 50:
        return Bad("workflow_version must be a version")
    return Prediction(key, int(subject), data, version or None)
