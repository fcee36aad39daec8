"""Runs that extract again what is kept of a workflow's classifications."""

from datetime import datetime

from sqlalchemy.orm import Session

from caesar_web.pipeline import catching_up, feeding
from caesar_web.pipeline.runs import Kind, Means, Step, Work, Write, chunk
from caesar_web.store import inbox_statements as inbox
from caesar_web.store import run_scope
from caesar_web.store import run_statements as runs
from caesar_web.store.inbox import LANES

SUBJECTS_AT_ONCE = 50


def prepare(means: Means, work: Work) -> Write:
    """The next step: a list of the subjects, then a few of them, then a wait for the workers.

    With one extractor alone, it is that one's extracts, and what follows from them.
    """
    if "extractor_key" in work.options:
        return catching_up.prepare(means, work)
    at = work.checkpoint or {"phase": "list"}
    since = work.options.get("since")
    moment = None if since is None else datetime.fromisoformat(since)

    def write(session: Session) -> Step:
        if at["phase"] == "list":
            total = _listed(session, work, moment)
            return Step({"phase": "feed", "after": 0}, total=total)
        if at["phase"] == "drain":
            return feeding.drain(session, work)
        if waits := feeding.obstacle(session, work):
            return waits
        found = runs.targets(session, work.id, after=at["after"], most=SUBJECTS_AT_ONCE)
        ids, last = chunk(found)
        if not ids:
            return Step({"phase": "drain"})
        workflow_id = work.reducible.id
        inbox.await_lanes(session, workflow_id, {id % LANES for id in ids})
        run_scope.requeue(session, work.id, workflow_id, ids, since=moment)
        return Step({"phase": "feed", "after": last}, len(ids), rings={workflow_id})

    return write


def _listed(session: Session, work: Work, since: datetime | None) -> int:
    if work.options.get("subjects") == "listed":
        return runs.count_targets(session, work.id)
    return run_scope.add_classified(session, work.id, work.reducible.id, since=since)


REEXTRACT = Kind("subjects", prepare)
