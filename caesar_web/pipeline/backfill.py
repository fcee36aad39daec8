"""Backfills: what Panoptes has of a workflow, taken in as if it had streamed in.

First all subjects are listed, then the classifications of a few subjects at a time are fed, then
the run waits until they are processed. Panoptes' lists of classifications have neither a count nor
an order, so those of a subject are read to their end before any is fed.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from caesar_web.domain.events import Arrival, Rejected, SubjectSeen, read_event
from caesar_web.panoptes.client import Panoptes
from caesar_web.panoptes.connection import Document, Params, next_href, rows_of
from caesar_web.pipeline import feeding
from caesar_web.pipeline.ingest import keep
from caesar_web.pipeline.panoptes_subjects import place_of, read_subjects, subjects_of_project
from caesar_web.pipeline.runs import Kind, Means, RunFailed, Step, Work, Write, chunk
from caesar_web.store import inbox_statements as inbox
from caesar_web.store import run_scope
from caesar_web.store import run_statements as runs
from caesar_web.store.configuration import Workflow
from caesar_web.store.run_statements import Failure

PAGE_SIZE = 100
SUBJECTS_AT_ONCE = 20
CLASSIFICATIONS = "/classifications/project"

Read = tuple[list[Arrival], list[Failure]]


def prepare(means: Means, work: Work) -> Write:
    """The next step of a backfill of subjects: all, those that were named, or the never seen."""
    at = work.checkpoint or {
        "phase": "feed" if work.options.get("subjects") == "listed" else "list"
    }
    if at["phase"] == "list":
        return _list(means, work, at)
    if at["phase"] == "feed":
        return _feed(means, work, at)
    return lambda session: feeding.drain(session, work)


def prepare_of_user(means: Means, work: Work) -> Write:
    """The next step of a backfill of one volunteer: a page of their classifications."""
    at = work.checkpoint or {"phase": "user", "page": 1}
    if at["phase"] != "user":
        return lambda session: feeding.drain(session, work)
    params = {
        "workflow_id": work.reducible.id,
        "user_id": work.options["user_id"],
        "page": at["page"],
    }
    document = _page(means.panoptes, CLASSIFICATIONS, params)
    is_last = next_href(document) is None
    project_id = _project_of(means, work)
    arrivals, failures = _read(rows_of(document, "classifications"), project_id, work)
    with means.reading() as session:
        unknown = run_scope.without_metadata(session, {one.subject_id for one in arrivals})
    subjects, odd = subjects_of_project(means.panoptes, sorted(unknown), project_id)

    def write(session: Session) -> Step:
        if waits := feeding.obstacle(session, work):
            return waits._replace(checkpoint=at)
        following = {"phase": "drain"} if is_last else {"phase": "user", "page": at["page"] + 1}
        inbox.keep_subjects(session, subjects)
        rings = keep(session, arrivals, now=means.now(), run_id=work.id)
        return Step(following, len(arrivals), [*failures, *odd], rings=rings)

    return write


def _list(means: Means, work: Work, at: Mapping[str, Any]) -> Write:
    """A page of the workflow's subjects: their metadata, and their places in the run's order."""
    number = at.get("page", 1)
    params = {"workflow_id": work.reducible.id, "page": number}
    document = _page(means.panoptes, "/subjects", params)
    subjects, failures = read_subjects(rows_of(document, "subjects"))
    is_last, counted = next_href(document) is None, _count(document)

    def write(session: Session) -> Step:
        inbox.keep_subjects(session, subjects)
        ids = [subject.id for subject in subjects]
        if work.options.get("subjects") == "never":
            ids = sorted(run_scope.never_extracted(session, work.reducible.id, ids))
        last = runs.add_targets(session, work.id, ids, after=at.get("last", 0))
        if is_last:
            return Step({"phase": "feed"}, 0, failures, total=last, is_estimate=False)
        following = {"phase": "list", "page": number + 1, "last": last}
        return Step(following, 0, failures, total=counted, is_estimate=True)

    return write


def _feed(means: Means, work: Work, at: Mapping[str, Any]) -> Write:
    """All classifications of the next few subjects."""
    after, most = at.get("after", 0), at.get("most", SUBJECTS_AT_ONCE)
    with means.reading() as session:
        waits = feeding.obstacle(session, work)
        ids, last = chunk(runs.targets(session, work.id, after=after, most=most))
    if waits:
        return lambda _: waits._replace(checkpoint=at)
    if not ids:
        return lambda _: Step({"phase": "drain"})
    project_id = _project_of(means, work)
    subjects: list[SubjectSeen] = []
    odd: list[Failure] = []
    if work.options.get("subjects") == "listed":
        subjects, odd = subjects_of_project(means.panoptes, ids, project_id)
    arrivals, failures = _read(_classifications(means.panoptes, work, ids), project_id, work)

    def write(session: Session) -> Step:
        inbox.keep_subjects(session, subjects)
        rings = keep(session, arrivals, now=means.now(), run_id=work.id)
        checkpoint = {"phase": "feed", "after": last}
        return Step(checkpoint, len(ids), [*odd, *failures], rings=rings)

    return write


def _classifications(panoptes: Panoptes, work: Work, subject_ids: Sequence[int]) -> list[Document]:
    listed = ",".join(map(str, subject_ids))
    params: Params = {
        "workflow_id": work.reducible.id,
        "subject_id": listed,
        "page_size": PAGE_SIZE,
    }
    pages = panoptes.pages(CLASSIFICATIONS, params)
    return [row for document in pages for row in rows_of(document, "classifications")]


def _read(rows: Iterable[Document], project_id: int, work: Work) -> Read:
    """Classifications as they arrive; those that cannot be taken are failures of the run."""
    arrivals, failures = [], []
    since = _moment(work.options.get("since"))
    for row in rows:
        try:
            arrival = read_event({"data": row, "linked": {}})
        except Rejected as problem:
            failures.append(Failure(place_of("classification", row), str(problem)))
            continue
        if (arrival.workflow_id, arrival.project_id) != (work.reducible.id, project_id):
            message = "Panoptes gave one of another workflow or project"
            failures.append(Failure(place_of("classification", row), message))
        elif since is None or arrival.created_at >= since:
            arrivals.append(arrival)
    return arrivals, failures


def _page(panoptes: Panoptes, path: str, params: Mapping[str, str | int]) -> Document:
    return next(iter(panoptes.pages(path, {**params, "page_size": PAGE_SIZE})))


def _count(document: Document) -> int | None:
    """How many there are of all, as far as Panoptes says."""
    described = list(document["meta"].values())
    count = described[0].get("count")
    return count if type(count) is int and count >= 0 else None


def _project_of(means: Means, work: Work) -> int:
    with means.reading() as session:
        workflow = session.get(Workflow, work.reducible.id)
        if workflow is None:
            raise RunFailed("the workflow is not here any more")
        return workflow.project_id


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


BACKFILL = Kind("subjects", prepare)
BACKFILL_USER = Kind("classifications", prepare_of_user)
