"""Data requests as runs would have left them, for pages that show them."""

from typing import Any

from sqlalchemy import select, update

from caesar_web.domain.exports import Export
from caesar_web.pipeline import exporting
from caesar_web.store.db import db
from caesar_web.store.runs import DataRequest, Run
from caesar_web.store.snapshot import Reducible
from tests.factories import START

WORKFLOW = Reducible("Workflow", 100)


def add_request(
    kind: str = "extracts",
    *,
    reducible: Reducible = WORKFLOW,
    by: tuple[str, int] = ("alice", 2),
    is_public: bool = False,
    row: dict[str, Any] | None = None,
    run: dict[str, Any] | None = None,
    **wanted: Any,
) -> str:
    """Writes a request with its run, of which `row` and `run` say how they stand; gives its id."""
    with db.session.begin():
        started = exporting.ask(
            db.session(),
            reducible,
            Export(kind, **wanted),
            by=by[0],
            by_id=by[1],
            is_public=is_public,
            now=START,
        )
        if row:
            at = DataRequest.id == started.request_id
            db.session.execute(update(DataRequest).where(at).values(**row))
        if run:
            db.session.execute(update(Run).where(Run.id == started.run_id).values(**run))
    db.session.remove()
    return str(started.request_id)


def statuses() -> list[tuple[str, str]]:
    """What was asked for, and the state of its run, the newest first."""
    wanted = select(DataRequest.requested_data, Run.status).join(Run, Run.id == DataRequest.run_id)
    found = [(kind, status) for kind, status in db.session.execute(wanted.order_by(Run.id.desc()))]
    db.session.remove()
    return found
