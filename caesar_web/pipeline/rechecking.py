"""Runs for a rule that was paused: it is checked over what has changed; nothing is reduced."""

from sqlalchemy.orm import Session

from caesar_web.pipeline import resuming
from caesar_web.pipeline.rebuilding import Plan, few_enough, rebuild
from caesar_web.pipeline.rereducing import Scope, scope_of
from caesar_web.pipeline.runs import Kind, Means, RunFailed, Step, Work, Write, chunk
from caesar_web.store import run_scope
from caesar_web.store import run_statements as runs
from caesar_web.store.configuration import Workflow
from caesar_web.store.result_statements import SUBJECT, USER, Topic

TARGETS_AT_ONCE = 100


def prepare(means: Means, work: Work) -> Write:
    """The next step: older turns are waited for, targets are listed, then a few at a time."""
    topic = USER if work.options["rule_kind"] == "user_rule" else SUBJECT

    def write(session: Session) -> Step:
        scope = scope_of(session, work)
        if session.get_one(Workflow, work.reducible.id).status == "halted":
            raise RunFailed("the workflow is halted")
        if work.options["rule_id"] not in [rule.id for rule in scope.rules[topic.name]]:
            raise RunFailed("the rule is not there any more, or it cannot be used")
        at = work.checkpoint
        if at is None:
            return resuming.await_turns(session, work)
        if "phase" in at:
            since = resuming.since_of(work)
            total = run_scope.add_reduced(session, work.id, work.reducible, topic, since=since)
            return Step({"after": 0}, total=total)
        return _step(session, means, work, scope, topic)

    return write


def _step(session: Session, means: Means, work: Work, scope: Scope, topic: Topic) -> Step:
    at = work.checkpoint
    found = runs.targets(session, work.id, after=at["after"], most=TARGETS_AT_ONCE)
    ids, last = chunk(few_enough(session, work.reducible, topic, found, means.most_extracts))
    if not ids:
        return Step(at, is_over=True)
    plan = Plan(
        work.reducible,
        topic,
        (),
        scope.rules[topic.name],
        scope.rules_applied,
        check="last",
        silent_run=work.id if runs.silent(session, [work.id]) else None,
        only_rule=work.options["rule_id"],
    )
    rebuilt = rebuild(session, plan, ids, now=means.now())
    return Step({"after": last}, len(ids), rebuilt.failures, rings={work.reducible.id})


RECHECK = Kind("subjects or volunteers", prepare)
