"""Data requests as their pages show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from flask import url_for

from caesar_web.access import exports, parts
from caesar_web.access.exports import Exportable
from caesar_web.access.identity import identity
from caesar_web.domain.exports import EXPORTS, FORMATS, in_words
from caesar_web.store import run_statements
from caesar_web.store.data_request_statements import Asked

KILO = 1000


@dataclass(frozen=True)
class Home:
    """Whose data requests these are, and where their pages are."""

    exportable: Exportable
    module: str
    place: dict[str, Any]

    def endpoint(self, name: str) -> str:
        return f"{self.module}.{name}"

    def address(self, name: str = "index", **values: Any) -> str:
        return url_for(self.endpoint(name), **{**self.place, **values})

    def file(self, request_id: UUID) -> str:
        """Where the file of a request is."""
        endpoint = f"export_files.of_{self.exportable.reducible.type.lower()}"
        return url_for(endpoint, **{**self.place, "request_id": request_id})


class Mark(NamedTuple):
    """How a state is shown: a sign, a word, and the class of its colour."""

    sign: str
    word: str
    colour: str


MARKS = {
    "waiting": Mark("…", "waiting", "pending"),
    "running": Mark("▸", "running", "pending"),
    "stopping": Mark("■", "stopping after this step", "pending"),
    "finished": Mark("✓", "finished", "completed"),
    "failed": Mark("✗", "failed", "failed"),
    "cancelled": Mark("■", "cancelled", "quiet"),
    "lost": Mark("!", "no worker carries it on", "failed"),
    "expired": Mark("–", "expired", "quiet"),
}
REPEATED = ("failed", "cancelled", "expired")


@dataclass(frozen=True)
class RequestShown:
    """A data request with its run, and what may be done about it.

    `asked_by` is only for those of the project, and for whoever it was; `note`, which may name
    what is not for everybody, only for those of the project.
    """

    asked: Asked
    title: str
    filters: Sequence[str]
    mark: Mark
    asked_by: str | None
    note: str | None
    size: str
    download: str | None
    may_stop: bool
    may_repeat: bool
    address: str


def shown(home: Home, asked: Asked) -> RequestShown:
    """A data request as whoever looks at it may see it."""
    request, run = asked
    caller, now = identity(), parts.now()
    is_mine = home.exportable.is_member or (
        caller is not None and run.started_by_id == caller.user_id
    )
    has_file = exports.has_file(asked, now=now)
    state = _state(asked, now=now)
    return RequestShown(
        asked,
        _title(asked),
        in_words(asked.export),
        MARKS[state],
        run.started_by if is_mine else None,
        run.last_error if home.exportable.is_member else None,
        size(request.size or 0),
        home.file(request.id) if has_file else None,
        may_stop=is_mine and run.finished_at is None and run.status != "stopping",
        may_repeat=state in REPEATED,
        address=home.address("show", request_id=request.id),
    )


def size(number: float) -> str:
    """A length in bytes, as people say it."""
    for unit in ("bytes", "kB", "MB"):
        if number < KILO:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= KILO
    return f"{number:.1f} GB"


def _title(asked: Asked) -> str:
    export = asked.export
    compressed = ", gzip" if export.is_gzip else ""
    return f"{EXPORTS[export.kind].label} as {FORMATS[export.format]}{compressed}"


def _state(asked: Asked, *, now: datetime) -> str:
    if run_statements.is_lost(asked.run, now=now):
        return "lost"
    is_expired = asked.run.status == "finished" and not exports.has_file(asked, now=now)
    return "expired" if is_expired else asked.run.status
