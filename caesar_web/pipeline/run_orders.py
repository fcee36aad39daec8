"""Asking for runs: what somebody chose as an order, the same once more, and going on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy.orm import Session

from caesar_web.domain.values import DomainError
from caesar_web.pipeline.runs import Order, RunFailed, Started
from caesar_web.store import run_statements as statements
from caesar_web.store.runs import Run, RunFile
from caesar_web.store.snapshot import Reducible

SHOWN = 3  # of the subjects that were named, in a run's words
RESUMED = "resumed"  # the option with which `run_statements.resume` tells when, and how far it was


class Over(DomainError):
    """The run has done all that it had to do, and cannot go on."""


@dataclass(frozen=True)
class Scope:
    """What a run is to go over: all, but for what is chosen here."""

    subject_ids: Sequence[int] | None = None
    never: bool = False
    since: datetime | None = None
    user_id: int | None = None
    reducer_key: str | None = None
    check: str | None = None


def order(
    kind: str, reducible: Reducible, scope: Scope, *, acts: bool = False, rate: int | None = None
) -> Order:
    """The order of a run; two of the same kind over the same are the same."""
    ids = sorted(set(scope.subject_ids or ()))
    options: dict[str, Any] = {}
    about: list[str] = []
    if scope.subject_ids is not None:
        options |= {"subjects": "listed", "first": ids[:SHOWN], "number": len(ids)}
        about.append(f"subjects {sha256(repr(ids).encode()).hexdigest()[:16]}")
    elif scope.never:
        options["subjects"] = "never"
        about.append("never")
    elif scope.since is not None:
        options["since"] = scope.since.isoformat()
        about.append(f"since {options['since']}")
    if scope.user_id is not None:
        options["user_id"] = scope.user_id
        about.append(f"user {scope.user_id}")
    if scope.reducer_key is not None:
        options["reducer_key"] = scope.reducer_key
        about.append(f"reducer {scope.reducer_key}")
    if scope.check is not None:
        options["check"] = scope.check
    return Order(kind, reducible, options, " ".join(about), acts=acts, rate=rate, targets=ids)


def import_order(
    workflow_id: int, *, url: str | None = None, file: tuple[str, bytes] | None = None
) -> Order:
    """The order of an import from an address, or of a file, which is its name and its bytes."""
    reducible = Reducible("Workflow", workflow_id)
    if file is None:
        return Order("import", reducible, {"url": url}, about=str(url))
    name, body = file
    about = f"file {sha256(body).hexdigest()[:16]}"
    return Order("import", reducible, {"file": name}, about=about, file=file)


def again(session: Session, run: Run) -> Order:
    """The order with which a run was begun, to begin the same anew.

    Raises RunFailed where a file that it worked off is not kept any more.
    """
    reducible = Reducible(run.reducible_type, run.reducible_id)
    options = {name: value for name, value in run.options.items() if name != RESUMED}
    prefix = f"{run.kind} {run.reducible_type} {run.reducible_id}"
    is_listed = options.get("subjects") == "listed"
    found = statements.targets(session, run.id, after=0, most=run.total or 0) if is_listed else ()
    return Order(
        run.kind,
        reducible,
        options,
        run.identity.removeprefix(prefix).strip(),
        acts=run.acts,
        rate=run.rate,
        targets=[target_id for _, target_id in found],
        file=_file_of(session, run),
    )


def _file_of(session: Session, run: Run) -> tuple[str, bytes] | None:
    if "file" not in run.options:
        return None
    kept = session.get(RunFile, run.id)
    if kept is None:
        raise RunFailed("the file is not kept any more; give it again")
    return kept.name, kept.body


def go_on(session: Session, run: Run, *, now: datetime) -> Started:
    """Lets a run go on from its checkpoint; gives the one that does the same where there is one.

    Raises Over where it has finished.
    """
    if run.status == "finished":
        raise Over
    if run.finished_at is None and not statements.is_lost(run, now=now):
        return Started(run.id, is_new=False)
    other = statements.unfinished(session, run.identity)
    if other is not None and other.id != run.id:
        return Started(other.id, is_new=False)
    statements.resume(session, run, now=now)
    return Started(run.id, is_new=True)
