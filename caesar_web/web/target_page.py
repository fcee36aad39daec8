"""What the page of a subject, or of a volunteer, shows: reductions, rules and why, the timeline."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from caesar_web.domain.events import LARGEST_ID
from caesar_web.domain.grouping import DEFAULT_SUBGROUP
from caesar_web.domain.reducers import REDUCERS
from caesar_web.domain.reduction_steps import Steps, with_results
from caesar_web.domain.rules import Rule
from caesar_web.domain.scope import ReductionScope
from caesar_web.domain.whys import Why, explained
from caesar_web.pipeline.trying import try_reducer
from caesar_web.store import part_queries, queries, samples, timelines
from caesar_web.store.configuration import Reducer, Workflow
from caesar_web.store.effects import AnyRule
from caesar_web.store.result_statements import SUBJECT, Topic
from caesar_web.store.snapshot import Reducible, Snapshot, revisions, snapshot
from caesar_web.store.timelines import Classified, Reduction
from caesar_web.web import acts, readings, swap_shown
from caesar_web.web.acts import ActShown
from caesar_web.web.shown_data import in_short
from caesar_web.web.swap_shown import MatrixShown, TrajectoryShown

MOST_REDUCTIONS = 50
LONGEST_REDUCTION = 200
LONGEST_EXTRACT = 60
MOST_OPEN = 5  # rules whose trace is open at once
WAITING = "It has not acted yet. It does when the reductions change next."


@dataclass(frozen=True)
class ReductionShown:
    """A reduction in short. `reducer_id` is None where its reducer is gone."""

    reducer_key: str
    subgroup: str | None
    words: str
    updated_at: datetime
    reducer_id: int | None


@dataclass(frozen=True)
class RuleShown:
    """A rule, what it says of the subject or volunteer now, and what it has done."""

    number: int
    reading: str
    address: str
    why: Why | None
    note: str
    acts: Sequence[ActShown]
    is_open: bool


@dataclass(frozen=True)
class ClassifiedShown:
    """A classification of the timeline, with its extracts in short."""

    one: Classified
    extracts: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class TargetPage:
    """All that is known of a subject, or a volunteer, in a workflow."""

    target_id: int
    metadata: Mapping[str, object]
    reductions: Sequence[ReductionShown]
    all_reductions: int
    rules: Sequence[RuleShown]
    rules_applied: str
    events: Sequence[tuple[datetime, ClassifiedShown | ActShown]]
    is_cut: bool
    matrices: Sequence[MatrixShown] = ()
    trajectories: Sequence[TrajectoryShown] = ()

    @property
    def retirement(self) -> str | None:
        """The state of the action that retires the subject, if there is one."""
        states = {
            shown.act.status
            for rule in self.rules
            for shown in rule.acts
            if shown.act.effect_type == "retire_subject"
        }
        return next((each for each in ("completed", "pending", "failed") if each in states), None)


def find(session: Session, workflow_id: int, topic: Topic, target_id: int) -> TargetPage:
    """What there is of a subject or volunteer, in a fixed number of statements.

    Raises NotFound where the workflow has nothing of them.
    """
    if not 0 < target_id <= LARGEST_ID:
        raise NotFound
    timeline = timelines.timeline(session, workflow_id, topic, target_id)
    reductions = timelines.reductions(session, workflow_id, topic, target_id)
    if not timeline.events and not reductions:
        raise NotFound
    metadata = timelines.metadata(session, target_id) if topic is SUBJECT else {}
    workflow = session.get_one(Workflow, workflow_id)
    events = [one for one in timeline.events if not isinstance(one, Classified)]
    latest = timelines.latest_acts(session, workflow_id, topic, [target_id])
    shown = iter(acts.shown(session, workflow_id, [*events, *latest]))
    told = [
        (one.at, _classified(one)) if isinstance(one, Classified) else (one.created_at, next(shown))
        for one in timeline.events
    ]
    reducers = {row.key: row for row in queries.reducers(session, "Workflow", workflow_id)}
    ids = {key: row.id for key, row in reducers.items()}
    types = {key: row.type for key, row in reducers.items()}
    return TargetPage(
        target_id,
        metadata,
        [_reduction(one, ids) for one in reductions[:MOST_REDUCTIONS]],
        len(reductions),
        list(_rules(session, workflow, _scope(topic, target_id, reductions, metadata), [*shown])),
        workflow.rules_applied,
        told,
        timeline.is_cut,
        swap_shown.matrices(reductions[:MOST_REDUCTIONS], types),
        swap_shown.trajectories(reductions[:MOST_REDUCTIONS], types),
    )


def steps(
    session: Session, workflow_id: int, topic: Topic, target_id: int, reducer_id: int
) -> tuple[Reducer, Steps]:
    """How what there is of a subject or volunteer becomes one reducer's reductions."""
    home = Reducible("Workflow", workflow_id)
    if max(target_id, reducer_id) > LARGEST_ID:
        raise NotFound
    row = part_queries.reducer(session, home, reducer_id)
    read = samples.scope_of_subject if topic is SUBJECT else samples.scope_of_user
    if row is None or row.topic != topic.name or read(session, workflow_id, target_id) is None:
        raise NotFound
    tried = try_reducer(session, home, row, target_id)
    if row.type not in REDUCERS or not REDUCERS[row.type].is_pushed:
        return row, tried
    reductions = timelines.reductions(session, workflow_id, topic, target_id)
    came = {one.subgroup: one.data for one in reductions if one.reducer_key == row.key}
    return row, with_results(tried, came)


def _classified(one: Classified) -> ClassifiedShown:
    short = [(key, in_short(data, most=LONGEST_EXTRACT)) for key, data in one.extracts]
    return ClassifiedShown(one, short)


def _reduction(one: Reduction, reducers: Mapping[str, int]) -> ReductionShown:
    subgroup = None if one.subgroup == DEFAULT_SUBGROUP else one.subgroup
    id = reducers.get(one.reducer_key)
    words = in_short(one.data, most=LONGEST_REDUCTION)
    return ReductionShown(one.reducer_key, subgroup, words, one.updated_at, id)


def _scope(
    topic: Topic, target_id: int, found: Sequence[Reduction], metadata: Mapping[str, object]
) -> ReductionScope:
    reductions: dict[str, dict[str, object]] = {}
    for one in found:
        reductions.setdefault(one.reducer_key, {})[one.subgroup] = one.data
    if topic is SUBJECT:
        return ReductionScope(reductions, target_id, metadata)
    return ReductionScope(reductions)


def _rules(
    session: Session, workflow: Workflow, scope: ReductionScope, done: Sequence[ActShown]
) -> Iterator[RuleShown]:
    """Each rule in its order; one that cannot be used has no trace."""
    at = revisions(session, workflow.id)
    if at is None:
        return
    now = snapshot(session, at)
    of_subjects = scope.subject_id is not None
    rows: Sequence[AnyRule] = workflow.subject_rules if of_subjects else workflow.user_rules
    usable = {rule.id: rule for rule in (now.subject_rules if of_subjects else now.user_rules)}
    kind = "subject_rule" if of_subjects else "user_rule"
    first = None
    for number, row in enumerate(rows, start=1):
        rule = usable.get(row.id)
        why = explained(rule.condition, scope) if rule else None
        own = [shown for shown in done if shown.act.rule_id == row.id]
        where: dict[str, Any] = {"workflow_id": workflow.id, "kind": f"{kind}s", "rule_id": row.id}
        note = _broken(now, kind, row.id) or _held(row)
        if rule and why and workflow.rules_applied != "no_rules":
            note = _note(rule, why, own, first)
        address = url_for("rules.edit", **where)
        is_open = len(rows) <= MOST_OPEN
        yield RuleShown(number, readings.read(row), address, why, note, own, is_open)
        stops = workflow.rules_applied == "first_matching_rule" and why and why.mark == "yes"
        first = first or (number if stops else None)


def _note(rule: Rule, why: Why, done: Sequence[ActShown], first: int | None) -> str:
    """What else there is to know about what a rule says."""
    if first is not None:
        return f"It is not checked: rule {first} comes first, and only the first that matches acts."
    if why.mark == "yes" and not rule.effects:
        return "It has no effect."
    if why.mark == "yes" and not done:
        return WAITING
    if why.mark != "yes" and done:
        return "It matched when it acted, with the data of then."
    return ""


def _held(row: AnyRule) -> str:
    return "" if row.status == "active" else f"It is not checked: it is {row.status}."


def _broken(now: Snapshot, kind: str, rule_id: int) -> str:
    """Why a rule cannot be used; nothing where it can."""
    messages = [one.message for one in now.broken if (one.kind, one.id) == (kind, rule_id)]
    return f"This rule cannot be used: {'; '.join(messages)}" if messages else ""
