"""Runs for an extractor that was paused: what it would have extracted, and all that follows.

What the other extractors made stays as it is, and reductions are made anew of all extracts, so
that they are in their order in running mode too.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from caesar_web.pipeline import feeding, resuming
from caesar_web.pipeline.extraction import extract, write_among_others
from caesar_web.pipeline.outcomes import Outcomes
from caesar_web.pipeline.rebuilding import Plan, few_enough, rebuild
from caesar_web.pipeline.runs import Means, RunFailed, Step, Work, Write, chunk
from caesar_web.store import inbox_statements as inbox
from caesar_web.store import part_queries, run_scope
from caesar_web.store import run_statements as runs
from caesar_web.store.configuration import Workflow
from caesar_web.store.counters import add_to_counters
from caesar_web.store.inbox import LANES
from caesar_web.store.result_statements import SUBJECT, USER, Topic
from caesar_web.store.run_statements import Failure
from caesar_web.store.snapshot import Reducible, Snapshot, revisions, snapshot

TARGETS_AT_ONCE = 50

Stretch = tuple[Reducible, Topic]


def prepare(means: Means, work: Work) -> Write:
    """The next step: older turns are waited for, targets are listed, then a few at a time."""

    def write(session: Session) -> Step:
        waits = feeding.waits(session, work)
        if session.get_one(Workflow, work.reducible.id).status == "paused":
            return waits
        at = work.checkpoint
        if at is None:
            return resuming.await_turns(session, work)
        plan = _plan(session, work)
        if at.get("phase") == "list":
            return _listed(session, work, plan)
        if feeding.obstacle(session, work):
            return waits
        return _step(session, means, work, plan)

    return write


def _plan(session: Session, work: Work) -> Snapshot:
    at = revisions(session, work.reducible.id)
    if at is None:
        raise RunFailed("the workflow is not here any more")
    return snapshot(session, at)


def _stretches(plan: Snapshot) -> list[Stretch]:
    """Whose reductions follow, one after the other: those of subjects first."""
    workflow = Reducible("Workflow", plan.workflow_id)
    project = Reducible("Project", plan.project_id)
    return [(workflow, SUBJECT), (workflow, USER), (project, SUBJECT), (project, USER)]


def _listed(session: Session, work: Work, plan: Snapshot) -> Step:
    ends: list[int] = []
    last = 0
    for reducible, topic in _stretches(plan):
        is_first = not ends  # here also what nobody reduces is extracted
        if is_first or plan.reducers_of(reducible, topic.name):
            last = run_scope.add_touched(
                session,
                work.id,
                work.reducible,
                topic,
                since=resuming.since_of(work),
                after=last,
            )
        ends.append(last)
    return Step({"ends": ends, "after": 0}, total=last)


def _step(session: Session, means: Means, work: Work, plan: Snapshot) -> Step:
    at = work.checkpoint
    number = next((place for place, end in enumerate(at["ends"]) if end > at["after"]), None)
    if number is None:
        return Step(at, is_over=True)
    reducible, topic = _stretches(plan)[number]
    most = min(TARGETS_AT_ONCE, at["ends"][number] - at["after"])
    found = runs.targets(session, work.id, after=at["after"], most=most)
    ids, last = chunk(few_enough(session, reducible, topic, found, means.most_extracts))
    if not ids:
        return Step(at, is_over=True)
    now = means.now()
    if number == 0:
        _extract(session, work, plan, ids, now)
    failures = _reduce(session, work, plan, (reducible, topic), ids, now)
    return Step({**at, "after": last}, len(ids), failures, rings={work.reducible.id})


def _extract(
    session: Session, work: Work, plan: Snapshot, subject_ids: Sequence[int], now: datetime
) -> None:
    """With the one extractor only; turns over these subjects wait for it."""
    key = work.options["extractor_key"]
    extractor = next((one for one in plan.extractors if one.key == key), None)
    if extractor is None:
        raise RunFailed(f"there is no extractor {key} any more that could be used")
    inbox.await_lanes(session, plan.workflow_id, {id % LANES for id in subject_ids})
    found = inbox.processed(session, plan.workflow_id, subject_ids, since=resuming.since_of(work))
    outcomes = Outcomes(plan, now)
    extractions = [extract(one, [extractor], outcomes=outcomes) for one in found]
    rows = part_queries.extractors(session, work.reducible)
    behind = [row.key for row in rows if row.id > extractor.id]
    more = write_among_others(session, extractions, key, behind=behind, now=now)
    add_to_counters(session, work.reducible, {"extracts_count": more})
    outcomes.write(session)


def _reduce(
    session: Session,
    work: Work,
    plan: Snapshot,
    stretch: Stretch,
    ids: Sequence[int],
    now: datetime,
) -> Sequence[Failure]:
    reducible, topic = stretch
    rules: Mapping[str, Any] = {SUBJECT.name: plan.subject_rules, USER.name: plan.user_rules}
    rebuilding = Plan(
        reducible,
        topic,
        plan.reducers_of(reducible, topic.name),
        rules[topic.name] if reducible == work.reducible else (),
        plan.rules_applied,
        check="changed",
        silent_run=work.id if runs.silent(session, [work.id]) else None,
    )
    return rebuild(session, rebuilding, ids, now=now).failures
