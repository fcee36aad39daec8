"""Replaying a file of events or of exported classifications, with flat memory and progress."""

import csv
import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from tqdm import tqdm

from caesar_web.classification_export import (
    NEEDED_COLUMNS,
    AnswerLabels,
    Event,
    InvalidRow,
    event_of_row,
)

Post: TypeAlias = Callable[[list[Event]], None]

# The stream takes 1 MB a classification, so that more is a quote that was never closed.
LONGEST_FIELD = 16_000_000
LONGEST_LINE = 64_000_000
BYTE_ORDER_MARK = "\ufeff"


class BadLine(Exception):
    """A line that cannot be replayed; the text names file, line and reason."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path}, line {line}: {reason}")
        self.path, self.line, self.reason = path, line, reason


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What was replayed, and in what time."""

    events: int
    batches: int
    bad_lines: int
    seconds: float

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds if self.seconds else 0.0


def replay(
    path: Path,
    post: Post,
    *,
    batch: int = 100,
    progress: bool = True,
    project_id: int | None = None,
    answer_labels: AnswerLabels | None = None,
    on_bad: Callable[[BadLine], None] | None = None,
    now: Callable[[], float] = time.monotonic,
) -> Replayed:
    """Give the events of a file to `post`, in their order, `batch` at a time.

    The file holds JSON lines (an event or {"payload": [...]} each), or is a classification export
    in CSV: that needs `project_id` and, so that answers are numbers again, `answer_labels`. A bad
    line raises BadLine once what came before it is posted; with `on_bad` it is told, and skipped.
    """
    began, bad_lines = now(), 0
    with path.open("rb") as file, _bar(path, progress=progress) as bar:
        outbox = _Outbox(post, batch, bar)
        lines = _Lines(path, file, bar)
        read = _read(lines, project_id=project_id, answer_labels=answer_labels or {})
        with closing(read):
            for found in read:
                if not isinstance(found, BadLine):
                    outbox.add(found)
                elif on_bad is None:
                    outbox.flush()
                    raise found
                else:
                    on_bad(found)
                    bad_lines += 1
        outbox.flush()
    return Replayed(
        events=outbox.events, batches=outbox.batches, bad_lines=bad_lines, seconds=now() - began
    )


class _Outbox:
    """Gathers events and posts them in batches; counts what was posted."""

    def __init__(self, post: Post, size: int, bar: "tqdm[Any]") -> None:
        self.events = self.batches = 0
        self._post, self._size, self._bar = post, size, bar
        self._waiting: list[Event] = []

    def add(self, event: Event) -> None:
        self._waiting.append(event)
        if len(self._waiting) >= self._size:
            self.flush()

    def flush(self) -> None:
        if not self._waiting:
            return
        self._post(self._waiting)
        self.events += len(self._waiting)
        self.batches += 1
        self._waiting = []
        self._bar.set_postfix_str(f"{self.events:,} events", refresh=False)


class _Lines:
    """The lines of a file as texts; `number` is that of the last one."""

    def __init__(self, path: Path, file: BinaryIO, bar: "tqdm[Any]") -> None:
        self.number = 0
        self.path = path
        self._file, self._bar = file, bar
        self._oddity = ""

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(LONGEST_LINE):
            self.number += 1
            self._bar.update(len(line))
            yield self._text(line)

    def bad(self, reason: str, *, line: int | None = None) -> BadLine:
        return BadLine(self.path, line or self.number, reason)

    def taken_oddity(self) -> str:
        """Why one of the lines since the last call could not be read, or nothing."""
        oddity, self._oddity = self._oddity, ""
        return oddity

    def _text(self, line: bytes) -> str:
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            self._oddity = f"is longer than {LONGEST_LINE:,} bytes"
            while (rest := self._file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                self._bar.update(len(rest))
            self._bar.update(len(rest))
        try:
            return line.decode()
        except UnicodeDecodeError as problem:
            self._oddity = f"is not UTF-8: {problem.reason} at byte {problem.start}"
            return line.decode(errors="replace")


def _read(
    lines: _Lines, *, project_id: int | None, answer_labels: AnswerLabels
) -> Generator[Event | BadLine, None, None]:
    """The events of a file of either kind, and its bad lines, in their order."""
    texts = iter(lines)
    first = next((text for text in texts if text.strip()), "").removeprefix(BYTE_ORDER_MARK)
    texts = chain([first], texts)
    if first.lstrip().startswith("{") or not first:
        yield from _read_json(lines, texts)
    elif project_id is None:
        raise ValueError(f"{lines.path}: an export does not name its project: give project_id")
    else:
        yield from _read_csv(lines, texts, project_id=project_id, answer_labels=answer_labels)


def _read_json(lines: _Lines, texts: Iterable[str]) -> Iterator[Event | BadLine]:
    for text in texts:
        if oddity := lines.taken_oddity():
            yield lines.bad(oddity)
        elif text.strip():
            yield from _events(lines, text)


def _events(lines: _Lines, text: str) -> Iterator[Event | BadLine]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as problem:
        yield lines.bad(f"is not one whole JSON object: {problem}")
        return
    members = value["payload"] if isinstance(value, dict) and "payload" in value else [value]
    for event in members if isinstance(members, list) else [members]:
        if isinstance(event, dict) and isinstance(event.get("data"), dict):
            yield event
        else:
            yield lines.bad("is neither an event nor a payload of events")


def _read_csv(
    lines: _Lines, texts: Iterable[str], *, project_id: int, answer_labels: AnswerLabels
) -> Iterator[Event | BadLine]:
    reader = csv.reader(texts)
    with _long_fields():
        names = next(reader)
        if missing := [name for name in NEEDED_COLUMNS if name not in names]:
            raise lines.bad(f"is no head of a classification export, without {', '.join(missing)}")
        for line, cells, oddity in _rows(lines, reader):
            if oddity:
                yield lines.bad(oddity, line=line)
            elif len(cells) != len(names):
                yield lines.bad(f"has {len(cells)} columns, not {len(names)}", line=line)
            else:
                row = dict(zip(names, cells, strict=True))
                try:
                    yield event_of_row(row, project_id=project_id, answer_labels=answer_labels)
                except InvalidRow as problem:
                    yield lines.bad(str(problem), line=line)


def _rows(lines: _Lines, reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str], str]]:
    """Each row with the number of its first line, and why it cannot be read, if so."""
    while True:
        line = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            lines.taken_oddity()
            yield line, [], f"is not CSV: {problem}"
            continue
        if cells:
            yield line, cells, lines.taken_oddity()


def _bar(path: Path, *, progress: bool) -> "tqdm[Any]":
    size = path.stat().st_size
    return tqdm(total=size, unit="B", unit_scale=True, desc=path.name, disable=not progress)


@contextmanager
def _long_fields() -> Iterator[None]:
    """Exports hold fields larger than csv allows; its limit belongs to the whole process."""
    before = csv.field_size_limit(LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)
