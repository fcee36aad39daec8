"""Runs that import predictions of machines: extracts without a classification, from a CSV file.

Each step takes a few rows, writes their extracts, and reduces their subjects again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy.orm import Session

from caesar_web.domain.events import SubjectSeen
from caesar_web.domain.predictions import Bad, Prediction, Row, UnusableFile, columns, rows
from caesar_web.pipeline.panoptes_subjects import subjects_of_project
from caesar_web.pipeline.rebuilding import Plan, rebuild
from caesar_web.pipeline.rereducing import scope_of
from caesar_web.pipeline.runs import Kind, Means, RunFailed, Step, Work, Write
from caesar_web.store import inbox_statements as inbox
from caesar_web.store import prediction_statements as predictions
from caesar_web.store import run_scope
from caesar_web.store import run_statements as runs
from caesar_web.store.configuration import Workflow
from caesar_web.store.counters import add_to_counters
from caesar_web.store.inbox import LANES
from caesar_web.store.result_statements import SUBJECT
from caesar_web.store.run_statements import Failure
from caesar_web.store.runs import RunFile

ROWS_AT_ONCE = 100
MOST_BYTES = 50 * 1024 * 1024
SLICE_BYTES = 8 * 1024 * 1024  # more than a row can have
FIRST_ROW = 2  # as a spreadsheet counts them, with the names in the first


def prepare(means: Means, work: Work) -> Write:
    """The next step: reading or fetching the file as a whole, then a few of its rows."""
    if work.checkpoint is None:
        return _begin(means, work)
    at, project_id = work.checkpoint, _project_of(means, work)
    found = _next_rows(means, work)
    good = [row.content for row in found if isinstance(row.content, Prediction)]
    with means.reading() as session:
        unknown = run_scope.without_metadata(session, {one.subject_id for one in good})
    subjects, odd = subjects_of_project(means.panoptes, sorted(unknown), project_id)
    refused = unknown - {subject.id for subject in subjects}
    kept = [one for one in good if one.subject_id not in refused]

    def write(session: Session) -> Step:
        failures = [*_bad(found), *odd]
        failures += _write(session, means, work, project_id, subjects, kept)
        if not found:
            return Step(at, is_over=True)
        last = found[-1]
        following = {**at, "end": at["end"] + last.end, "number": last.number + 1}
        return Step(following, len(found), failures, rings={work.reducible.id})

    return write


def _begin(means: Means, work: Work) -> Write:
    url = work.options.get("url")
    if url is None:
        with means.reading() as session:
            file = session.get(RunFile, work.id)
            body = b"" if file is None else file.body
    else:
        body = means.external.get(url, most_bytes=MOST_BYTES).body
    try:
        names, end = columns(body)
    except UnusableFile as problem:
        raise RunFailed(str(problem)) from None
    total = sum(1 for _ in rows(body, names, start=end, number=FIRST_ROW))

    def write(session: Session) -> Step:
        if url is not None:
            session.merge(RunFile(run_id=work.id, name=url, body=body))
        return Step({"names": names, "end": end, "number": FIRST_ROW}, total=total)

    return write


def _next_rows(means: Means, work: Work) -> list[Row]:
    at = work.checkpoint
    with means.reading() as session:
        part = predictions.slice_of(session, work.id, start=at["end"], most=SLICE_BYTES)
    if part is None:
        raise RunFailed("the file is not here any more")
    found = islice(rows(part.body, at["names"], start=0, number=at["number"]), ROWS_AT_ONCE)
    # A row that ends where the part does may go on behind it.
    return [row for row in found if part.is_last or row.end < len(part.body)]


def _project_of(means: Means, work: Work) -> int:
    with means.reading() as session:
        workflow = session.get(Workflow, work.reducible.id)
        if workflow is None:
            raise RunFailed("the workflow is not here any more")
        return workflow.project_id


def _bad(found: Sequence[Row]) -> list[Failure]:
    return [
        Failure(f"row {row.number}", row.content.reason)
        for row in found
        if isinstance(row.content, Bad)
    ]


def _write(
    session: Session,
    means: Means,
    work: Work,
    project_id: int,
    subjects: Sequence[SubjectSeen],
    found: Sequence[Prediction],
) -> Sequence[Failure]:
    """Writes extracts and what follows from them; what could not be reduced are failures."""
    latest = {(one.subject_id, one.extractor_key): one for one in found}
    if not latest:
        return ()
    now, workflow_id = means.now(), work.reducible.id
    ids = sorted({id for id, _ in latest}, key=lambda id: (id % LANES, id))
    inbox.keep_subjects(session, subjects)
    inbox.await_lanes(session, workflow_id, {id % LANES for id in ids})
    extracts = (_row(one, workflow_id, project_id, now) for _, one in sorted(latest.items()))
    more = predictions.write(session, extracts, now=now)
    add_to_counters(session, work.reducible, {"extracts_count": more})
    return rebuild(session, _plan(session, work), ids, now=now).failures


def _plan(session: Session, work: Work) -> Plan:
    scope = scope_of(session, work)
    return Plan(
        work.reducible,
        SUBJECT,
        scope.reducers[SUBJECT.name],
        scope.rules[SUBJECT.name],
        scope.rules_applied,
        check="last",
        silent_run=work.id if runs.silent(session, [work.id]) else None,
    )


def _row(one: Prediction, workflow_id: int, project_id: int, now: datetime) -> Mapping[str, Any]:
    return {
        **one._asdict(),
        "workflow_id": workflow_id,
        "project_id": project_id,
        "classification_at": now,
        "machine_data": True,
        "created_at": now,
        "updated_at": now,
    }


IMPORT = Kind("rows", prepare)
