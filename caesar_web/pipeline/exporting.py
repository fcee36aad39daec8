"""Runs that write an export: what there is in a window of ids, step by step, and then its rows.

What a step writes to the file is there before its transaction ends. So the checkpoint has the
file's length, and whoever carries the run on cuts off what is behind it: of a step that was undone
nothing is left. A lock and the run's turn keep two workers from writing one file; where it is on
another machine, its worker is waited for, and at last it is written anew.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, BinaryIO, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from caesar_web.domain.exports import Export
from caesar_web.domain.values import DomainError
from caesar_web.pipeline import runs
from caesar_web.pipeline.export_writing import write_rows
from caesar_web.pipeline.runs import Kind, Means, Order, RunFailed, Step, Work, Write
from caesar_web.storage import writing
from caesar_web.storage.places import StorageProblem
from caesar_web.store import data_request_statements as data_requests
from caesar_web.store import export_rows, run_statements
from caesar_web.store.export_rows import Source, Window
from caesar_web.store.snapshot import Reducible

IDS_AT_ONCE = 50_000
MOST_KEYS = 5000
KEPT_FOR = timedelta(days=7)
MOST_UNFINISHED = 20  # of a workflow or project: anybody may export what is public
PATIENCE = timedelta(minutes=10)  # with a worker that has the file and does not go on
LOOKS_AGAIN_SECONDS = 5.0
UNBEGUN = {"phase": "write", "after": 0, "rows": 0, "length": 0, "part": None}

At = Mapping[str, Any]


class TooMany(DomainError):
    """So many exports of a workflow or project are under way that no more may begin."""


class Started(NamedTuple):
    """A data request, and the run that carries it out."""

    request_id: UUID
    run_id: int


def ask(
    session: Session,
    reducible: Reducible,
    export: Export,
    *,
    by: str,
    by_id: int | None,
    is_public: bool,
    now: datetime,
) -> Started:
    """Begins an export: the same as often as it is asked for, but not too many at once."""
    if data_requests.count_unfinished(session, reducible) >= MOST_UNFINISHED:
        raise TooMany(f"{MOST_UNFINISHED} exports are under way: wait until one is finished")
    id = uuid4()
    order = Order("export", reducible, {"request": str(id)}, about=str(id))
    run_id = runs.start(session, order, by=by, by_id=by_id, now=now).run_id
    data_requests.add(
        session, reducible, export, id=id, run_id=run_id, is_public=is_public, now=now
    )
    return Started(id, run_id)


def prepare(means: Means, work: Work) -> Write:
    """The next step: first a look at what there is, then the rows, then the file's keeping."""
    request_id = UUID(work.options["request"])
    with means.reading() as session:
        request = data_requests.get(session, request_id)
        if request is None:
            raise RunFailed("the data request is not here any more")
        source = Source(work.reducible, data_requests.export_of(request))
        at = work.checkpoint or _beginning(session, source)
    if at["phase"] == "look":
        return _look(means, source, at)
    try:
        if at["phase"] == "write":
            return _write(means, work, source, at)
        return _finish(means, work, source, at)
    except (writing.Gone, writing.Busy) as problem:
        return _wait_or_begin_again(means, at, problem)
    except OSError as problem:
        raise StorageProblem(f"the file cannot be written: {problem.strerror}") from problem


def _beginning(session: Session, source: Source) -> At:
    top = export_rows.highest_id(session, source)
    return {"phase": "look", "top": top, "after": 0, "found": 0, "keys": [], "bare": False}


def _look(means: Means, source: Source, at: At) -> Write:
    """A window of ids: how many rows it has, and which columns they need."""
    with means.reading() as session:
        window = _window(session, source, at)
        if window is None:
            return lambda _: Step({**at, **UNBEGUN}, total=at["found"])
        is_table = source.export.format == "csv"
        seen = export_rows.look(session, source, window, for_keys=is_table)
    keys = {*at["keys"], *seen.keys}
    if len(keys) > MOST_KEYS:
        raise RunFailed(
            f"the data have more than {MOST_KEYS:,} different keys, each of which would be a"
            " column; JSON lines have no columns"
        )
    following = {
        **at,
        "after": window.last,
        "found": at["found"] + seen.rows,
        "keys": sorted(keys),
        "bare": at["bare"] or seen.is_bare,
    }
    return lambda _: Step(following)


def _write(means: Means, work: Work, source: Source, at: At) -> Write:
    """The rows of a window, written behind what the file has."""
    with means.reading() as session:
        window = _window(session, source, at)
    if window is None and at["part"]:
        return lambda _: Step({**at, "phase": "finish"})
    part = at["part"] or f"{work.options['request']}.{work.turn}"
    with _own(means, work, at, part) as file:
        if file is None:
            return lambda _: Step(at)
        with means.reading() as session:
            written = write_rows(session, source, window, file, at)
    following = {
        **at,
        "part": part,
        "after": at["top"] if window is None else window.last,
        "rows": at["rows"] + written.rows,
        "length": written.length,
        "written_at": means.now().isoformat(),
    }
    return lambda _: Step(following, written.rows, written.failures)


def _finish(means: Means, work: Work, source: Source, at: At) -> Write:
    """Hands the file over to where it is kept, unless that was done by a step that was undone."""
    name = work.options["request"]
    if means.storage.size(name) != at["length"]:
        with _own(means, work, at, at["part"]) as file:
            if file is None:
                return lambda _: Step(at)
            file.truncate(at["length"])
            means.storage.keep(means.storage.parts / at["part"], name, source.export.content_type)

    def write(session: Session) -> Step:
        now = means.now()
        data_requests.finish(
            session,
            UUID(name),
            file=name,
            rows=at["rows"],
            size=at["length"],
            expires_at=now + KEPT_FOR,
            now=now,
        )
        return Step(at, total=at["rows"], is_over=True)

    return write


@contextmanager
def _own(means: Means, work: Work, at: At, part: str) -> Iterator[BinaryIO | None]:
    """The file, ours alone; None where the run is somebody else's by now, and nothing may be done.

    The lock comes first: whoever takes the run over after we asked finds the file locked.
    """
    path = means.storage.parts / part
    with writing.locked(path, length=at["length"], is_new=at["part"] is None) as file:
        with means.reading() as session:
            is_ours = run_statements.is_turn(session, work.id, work.turn)
        yield file if is_ours else None


def _wait_or_begin_again(means: Means, at: At, problem: Exception) -> Write:
    waited = means.now() - datetime.fromisoformat(at["written_at"])
    if waited < PATIENCE:
        where = "has it" if isinstance(problem, writing.Gone) else "writes it at this moment"
        note = f"The file is not to be had: another worker {where}."
        return lambda _: Step(at, wait_seconds=LOOKS_AGAIN_SECONDS, note=note)
    note = "The worker that wrote the file is gone. It is written again from the beginning."
    return lambda _: Step({**at, **UNBEGUN}, -at["rows"], note=note)


def _window(session: Session, source: Source, at: At) -> Window | None:
    return export_rows.next_window(
        session, source, after=at["after"], top=at["top"], most=IDS_AT_ONCE
    )


EXPORT = Kind("rows", prepare)
