"""How logs are written: a line for each entry, text or JSON, with the ids of what it is about."""

import json
import logging
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from typing import TypedDict, Unpack

from caesar_web.config import Config

# In their first line, these do not say what a volunteer answered or what a secret is.
HARMLESS = {
    "sqlalchemy.exc.OperationalError",
    "sqlalchemy.exc.InterfaceError",
    "sqlalchemy.exc.TimeoutError",
    "sqlalchemy.exc.IntegrityError",
    "sqlalchemy.exc.ProgrammingError",
    "psycopg.OperationalError",
    "psycopg.InterfaceError",
    "psycopg.IntegrityError",
    "psycopg.ProgrammingError",
    "sqlite3.OperationalError",
    "sqlite3.IntegrityError",
    "redis.exceptions.RedisError",
    "rq.timeouts.BaseTimeoutException",
    "caesar_web.config.InvalidSetting",
    "caesar_web.panoptes.errors.PanoptesError",
}
_CONTROLS = {
    code: repr(chr(code))[1:-1]
    for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)  # what may begin a new line
}


class Ids(TypedDict, total=False):
    """What an entry is about."""

    workflow: int | None
    subject: int | None
    run: int | None
    job: str | None
    request: str | None


_bound: ContextVar[Mapping[str, int | str] | None] = ContextVar("ids", default=None)


def ids() -> dict[str, int | str]:
    """What this thread is at."""
    return dict(_bound.get() or {})


def bind(**known: Unpack[Ids]) -> Token[Mapping[str, int | str] | None]:
    """Says more about what this thread is at, until the block around it ends."""
    more = {name: id for name, id in known.items() if isinstance(id, int | str)}
    return _bound.set({**ids(), **more})


@contextmanager
def bound(**known: Unpack[Ids]) -> Iterator[None]:
    """Within the block, entries name these ids."""
    before = bind(**known)
    try:
        yield
    finally:
        _bound.reset(before)


def set_up(config: Config) -> None:
    """Logs go to standard error in the wanted format; nothing happens where that was done."""
    written = _ToStandardError()
    written.setFormatter(formatter(config))
    logging.basicConfig(level=logging.WARNING, handlers=[written])


def formatter(config: Config) -> logging.Formatter:
    """In development, where volunteers are made up, exceptions are told in full."""
    kind = JsonLines if config.log_format == "json" else TextLines
    return kind(tells_all=config.development)


def is_harmless(problem: BaseException) -> bool:
    """Whether what an exception says has nothing in it that no log should have."""
    kind = type(problem)
    if kind.__module__ == "builtins" and isinstance(problem, OSError | MemoryError):
        return True
    return any(f"{one.__module__}.{one.__qualname__}" in HARMLESS for one in kind.__mro__)


def said(problem: BaseException) -> str:
    """What kind of exception it is, and what it says, if that is harmless."""
    name = type(problem).__qualname__
    if not is_harmless(problem):
        return f"{name} (what it says may hold answers, and is left out)"
    text = harmless_text(problem)
    return f"{name}: {text}" if text else name


def harmless_text(problem: BaseException) -> str:
    """What an exception says without its details, in which PostgreSQL quotes rows; or nothing."""
    return next(iter(str(problem).splitlines()), "") if is_harmless(problem) else ""


def told(problem: BaseException, *, tells_all: bool) -> str:
    """An exception and those that led to it, the first one first, with where they happened."""
    if tells_all:
        return "".join(traceback.format_exception(problem)).rstrip()
    parts: list[str] = []
    one: BaseException | None = problem
    seen: set[int] = set()
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        stack = "".join(traceback.format_tb(one.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{stack}{said(one)}")
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return "\n\n".join(reversed(parts))


class _ToStandardError(logging.Handler):
    """Writes to whatever standard error is at the time."""

    def emit(self, entry: logging.LogRecord) -> None:
        try:
            print(self.format(entry), file=sys.stderr, flush=True)  # noqa: T201  # the log itself
        except Exception:
            self.handleError(entry)


class _Lines(logging.Formatter):
    def __init__(self, *, tells_all: bool) -> None:
        super().__init__()
        self._tells_all = tells_all

    def _exception(self, entry: logging.LogRecord) -> str:
        problem = entry.exc_info[1] if entry.exc_info else None
        return "" if problem is None else told(problem, tells_all=self._tells_all)


class JsonLines(_Lines):
    """An object on a line of its own, in ASCII, so that no text can end it."""

    def format(self, entry: logging.LogRecord) -> str:
        line = {
            "time": _time(entry),
            "level": entry.levelname,
            "logger": entry.name,
            "message": entry.getMessage(),
            **ids(),
        }
        if exception := self._exception(entry):
            line["exception"] = exception
        return json.dumps(line)


class TextLines(_Lines):
    """A line to read; what belongs to it comes indented, so that no text looks like a line."""

    def format(self, entry: logging.LogRecord) -> str:
        about = "".join(f" {name}={id}" for name, id in ids().items())
        message = entry.getMessage().translate(_CONTROLS)
        first = f"{_time(entry)} {entry.levelname} {entry.name}:{about} {message}"
        below = self._exception(entry).splitlines()
        return "\n".join([first, *(f"    {line.translate(_CONTROLS)}" for line in below)])


def _time(entry: logging.LogRecord) -> str:
    return datetime.fromtimestamp(entry.created, UTC).isoformat(timespec="milliseconds")
