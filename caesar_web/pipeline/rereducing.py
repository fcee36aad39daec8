"""Runs that reduce a workflow's or project's subjects and volunteers again, a few at a time."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from caesar_web.domain.series import Reducer
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.pipeline import resuming
from caesar_web.pipeline.rebuilding import Plan, few_enough, rebuild
from caesar_web.pipeline.runs import Kind, Means, RunFailed, Step, Work, Write, chunk
from caesar_web.store import queries, run_scope
from caesar_web.store import run_statements as runs
from caesar_web.store.inbox_statements import count_waiting
from caesar_web.store.result_statements import SUBJECT, USER, Topic
from caesar_web.store.snapshot import Reducible, reducer_of, revisions, snapshot

TARGETS_AT_ONCE = 100
MOST_LIVE_WAITING = 1000
TOPICS = (SUBJECT, USER)
_FIRST = {SUBJECT: "subjects", USER: "users"}  # where a checkpoint says how many come first


class Scope(NamedTuple):
    """What is configured where a run works."""

    reducers: Mapping[str, tuple[Reducer, ...]]
    rules: Mapping[str, Any]
    rules_applied: str


def prepare(means: Means, work: Work) -> Write:
    """The next step: first a list of all targets, then a few of them."""

    def write(session: Session) -> Step:
        if waits := resuming.obstacle(session, work):
            return waits
        scope = scope_of(session, work)
        at = work.checkpoint
        if at is None and work.options.get("resumes"):
            return resuming.await_turns(session, work)
        if at is None or "phase" in at:
            at = _listed(session, work, scope)
        if work.reducible.type == "Workflow" and _live_work_waits(session, work):
            return Step(at, wait_seconds=0.5, rings={work.reducible.id})
        return _step(session, means, work, scope, at)

    return write


def _listed(session: Session, work: Work, scope: Scope) -> dict[str, int]:
    """Where to begin, once the targets are written down: subjects first, then volunteers.

    The other way round where subjects are reduced by what is known of volunteers.
    """
    options = work.options
    if options.get("subjects") == "listed":
        return {"subjects": runs.count_targets(session, work.id), "after": 0}
    moment = resuming.since_of(work)
    never = options.get("subjects") == "never"
    last = 0
    first, _ = topics = _in_order(scope)
    ends: dict[Topic, int] = {}
    for topic in topics:
        if scope.reducers[topic.name] or scope.rules[topic.name]:
            if options.get("resumes"):
                last = run_scope.add_touched(
                    session, work.id, work.reducible, topic, since=moment, after=last
                )
            else:
                last = run_scope.add_reducible(
                    session, work.id, work.reducible, topic, after=last, since=moment, never=never
                )
        ends[topic] = last
    return {_FIRST[first]: ends[first], "after": 0}


def _in_order(scope: Scope) -> tuple[Topic, Topic]:
    carries = any(reducer.relevant_keys for reducer in scope.reducers[SUBJECT.name])
    return (USER, SUBJECT) if carries else (SUBJECT, USER)


def _step(session: Session, means: Means, work: Work, scope: Scope, at: Mapping[str, int]) -> Step:
    total = runs.count_targets(session, work.id) if at["after"] == 0 else None
    first, second = (USER, SUBJECT) if _FIRST[USER] in at else (SUBJECT, USER)
    left = at[_FIRST[first]] - at["after"]  # of those that come first
    topic, left = (first, left) if left > 0 else (second, TARGETS_AT_ONCE)
    most = min(TARGETS_AT_ONCE, left)
    found = runs.targets(session, work.id, after=at["after"], most=most)
    ids, last = chunk(few_enough(session, work.reducible, topic, found, means.most_extracts))
    if not ids:
        return Step(at, total=total, is_over=True)
    plan = Plan(
        work.reducible,
        topic,
        scope.reducers[topic.name],
        scope.rules[topic.name],
        scope.rules_applied,
        check=work.options.get("check", "each"),
        silent_run=work.id if runs.silent(session, [work.id]) else None,
        leaves_gaps=bool(work.options.get("resumes")),
    )
    rebuilt = rebuild(session, plan, ids, now=means.now())
    return Step(
        {**at, "after": last},
        len(ids),
        rebuilt.failures,
        total=total,
        rings={work.reducible.id} if work.reducible.type == "Workflow" else (),
    )


def scope_of(session: Session, work: Work) -> Scope:
    """What is configured where a run works. Raises RunFailed."""
    key = work.options.get("reducer_key")
    if work.reducible.type == "Project":
        reducers = tuple(_usable(session, work.reducible))
        by_topic = {
            topic.name: tuple(one for one in reducers if one.topic == topic.name)
            for topic in TOPICS
        }
        scope = Scope(by_topic, {topic.name: () for topic in TOPICS}, "no_rules")
    else:
        at = revisions(session, work.reducible.id)
        if at is None:
            raise RunFailed("the workflow is not here any more")
        plan = snapshot(session, at)
        scope = Scope(
            {topic.name: plan.reducers_of(work.reducible, topic.name) for topic in TOPICS},
            {SUBJECT.name: plan.subject_rules, USER.name: plan.user_rules},
            "no_rules" if work.options.get("check") == "none" else plan.rules_applied,
        )
    if key is None:
        return scope
    chosen = {
        name: tuple(one for one in row if one.key == key) for name, row in scope.reducers.items()
    }
    if not any(chosen.values()):
        raise RunFailed(f"there is no reducer {key} any more that could be used")
    rules = {name: scope.rules[name] if chosen[name] else () for name in chosen}
    return Scope(chosen, rules, scope.rules_applied)


def _usable(session: Session, project: Reducible) -> list[Reducer]:
    found = []
    for row in queries.reducers(session, project.type, project.id):
        if row.status != "active":
            continue
        try:
            found.append(reducer_of(row))
        except (InvalidConfiguration, KeyError):  # its page and its light say why
            continue
    return found


def _live_work_waits(session: Session, work: Work) -> bool:
    return count_waiting(session, work.reducible.id, most=MOST_LIVE_WAITING) == MOST_LIVE_WAITING


REREDUCE = Kind("subjects and volunteers", prepare)
