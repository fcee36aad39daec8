"""Trying things out on what is there: extractors, reducers and conditions. Nothing is written."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from caesar_web.domain.classification import Classification, previous_subjects
from caesar_web.domain.conditions import Node, parse_text
from caesar_web.domain.documents import Document, ExtractorRow, ReducerRow
from caesar_web.domain.dry_run import Compared, DryRun, Sample, compared, dry_run
from caesar_web.domain.known import Known, observe
from caesar_web.domain.near_misses import NearMiss, extremes, near_misses
from caesar_web.domain.reducers import REDUCERS
from caesar_web.domain.reduction_steps import Steps, explain
from caesar_web.domain.values import InvalidConfiguration, is_older
from caesar_web.pipeline.rehearsal import rehearsed
from caesar_web.pipeline.relevant import RelevantReductions
from caesar_web.store import configuration as tables
from caesar_web.store import queries, samples
from caesar_web.store.part_queries import known_reducers
from caesar_web.store.result_statements import SUBJECT, USER, training_among
from caesar_web.store.snapshot import Reducible, extractor_of, reducer_of

MOST_SECONDS = 2.0
NOTHING_ELSE = Document()

Clock = Callable[[], float]


@dataclass(frozen=True)
class Tried:
    """What an extractor makes of a classification: data, or why there are none, or the error."""

    classification: Classification
    data: dict[str, Any] | None = None
    why: str | None = None
    error: str | None = None


class Sampled(NamedTuple):
    """Subjects or users as rules see them; `rehearsed` are reducers as if they had been there."""

    found: Sequence[Sample]
    rehearsed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preview:
    """What a condition says of the newest subjects or users.

    `sampled` are there, of which `run` is over those that there was time for. `changes` compares
    with the rule's live condition, and `acted` are those on which the rule has acted already.
    """

    run: DryRun
    sampled: int
    is_for_users: bool = False
    near_misses: tuple[NearMiss, ...] = ()
    extremes: tuple[str, ...] = ()
    changes: tuple[Compared, ...] = ()
    acted: frozenset[int] = frozenset()

    @property
    def is_cut_short(self) -> bool:
        """Whether there was no time for the whole sample."""
        return self.run.total < self.sampled

    @property
    def label(self) -> str:
        """What the numbers are of, in words."""
        what = "user" if self.is_for_users else "subject"
        return f"of the latest {self.run.total} {what}{'' if self.run.total == 1 else 's'}"


def try_extractor(
    session: Session, workflow_id: int, row: ExtractorRow, classification_id: int
) -> Tried | None:
    """What the extractor makes of one of the workflow's classifications; None: there is none."""
    found = samples.classification(session, workflow_id, classification_id)
    if found is None:
        return None
    try:
        data = extractor_of(row).extract(found)
    except Exception as problem:  # whatever it is, in a turn it would be noted just the same
        return Tried(found, error=str(problem) or type(problem).__name__)
    return Tried(found, data, _no_data(row, found) if data is None else None)


def try_reducer(
    session: Session,
    reducible: Reducible,
    row: ReducerRow | tables.Reducer,
    target_id: int,
    *,
    most: int = samples.MOST_EXTRACTS,
) -> Steps:
    """What the reducer makes of the newest extracts of a subject, or of a user."""
    try:
        reducer = reducer_of(row)
    except (InvalidConfiguration, KeyError) as problem:
        return Steps(error=str(problem))
    topic = USER if row.topic == USER.name else SUBJECT
    sources: tuple[int, ...] = (target_id,)
    if topic is SUBJECT and reducible.type == "Workflow":
        scope = samples.scope_of_subject(session, reducible.id, target_id)
        earlier = previous_subjects((scope and scope.metadata) or {})
        sources = tuple(dict.fromkeys((target_id, *earlier)))
    extracts, has_more = samples.newest_extracts(session, reducible, topic, sources, most=most)
    training: set[int] = set()
    if reducer.filters.training_behavior != "ignore_training":
        training = training_among(session, {extract.subject_id for extract in extracts})
    relevant = RelevantReductions(reducible, topic)
    relevant.load(session, extracts, [reducer])
    carrying = (relevant.beside(extract, reducer) for extract in extracts)
    steps = explain(reducer, carrying, training=training)
    return replace(steps, bounded_to=len(extracts)) if has_more else steps


def try_condition(
    session: Session,
    workflow_id: int,
    condition: Node,
    found: Sequence[Sample],
    *,
    is_for_users: bool = False,
    rule_id: int | None = None,
    clock: Clock = time.monotonic,
) -> Preview:
    """What the condition says of a sample, as far as there is time.

    `rule_id` is the rule that is being edited.
    """
    live = None
    acted: frozenset[int] = frozenset()
    if rule_id is not None:
        live = _live_condition(session, workflow_id, rule_id, is_for_users)
        ids = [id for id, _ in found]
        acted = samples.acted_on(session, workflow_id, rule_id, ids, is_for_users=is_for_users)
    end = clock() + MOST_SECONDS

    def in_time(*_: object) -> bool:
        return clock() < end

    run = dry_run(condition, takewhile(in_time, found))
    looked_at = found[: run.total]
    before = dry_run(live, takewhile(in_time, looked_at)) if live else DryRun()
    return Preview(
        run,
        len(found),
        is_for_users,
        tuple(near_misses(condition, looked_at, in_time=in_time)),
        tuple(extremes(condition, looked_at)) if looked_at and not run.matching else (),
        compared(run.outcomes, before.outcomes),
        acted,
    )


def sampled(
    session: Session,
    workflow_id: int,
    also: Document = NOTHING_ELSE,
    *,
    is_for_users: bool = False,
) -> Sampled:
    """The newest subjects or users as rules see them, and what is in `also` as if it were there.

    So are reducers that have hardly made anything yet, as they are new.
    """
    if is_for_users:
        return Sampled(samples.recent_users(session, workflow_id))
    found = samples.recent_subjects(session, workflow_id)
    rows = [*queries.reducers(session, "Workflow", workflow_id), *(also.reducers or ())]
    new = [row for row in rows if row.topic == SUBJECT.name and _is_new(row, found)]
    if not new:
        return Sampled(found)
    own = select(tables.Extractor).filter_by(workflow_id=workflow_id)
    wanted = own.order_by(tables.Extractor.id)
    extractors = [*session.scalars(wanted), *(also.extractors or ())]
    made = rehearsed(session, workflow_id, found, extractors=extractors, reducers=new)
    return Sampled(made, tuple(row.key for row in new))


def _is_new(row: tables.Reducer | ReducerRow, found: Sequence[Sample]) -> bool:
    """Whether less than half of those that have reductions have its own."""
    if row.type not in REDUCERS or REDUCERS[row.type].is_pushed:
        return False
    number = sum(row.key in scope.reductions for _, scope in found)
    return 2 * number < len(found) or not found


def known(
    session: Session,
    workflow_id: int,
    found: Sequence[Sample],
    also: Document = NOTHING_ELSE,
    *,
    is_for_users: bool = False,
) -> Known:
    """What is known of the data that a rule of the workflow can look at, with their sample."""
    topic = USER if is_for_users else SUBJECT
    rows: list[tables.Reducer | ReducerRow] = [*queries.reducers(session, "Workflow", workflow_id)]
    rows += also.reducers or ()
    keys = session.scalars(select(tables.Extractor.key).filter_by(workflow_id=workflow_id))
    return replace(
        observe(scope for _, scope in found),
        reducers=known_reducers(row for row in rows if row.topic == topic.name),
        extractors=frozenset(keys) | {row.key for row in also.extractors or ()},
        is_for_users=is_for_users,
    )


def _live_condition(
    session: Session, workflow_id: int, rule_id: int, is_for_users: bool
) -> Node | None:
    table: Any = tables.UserRule if is_for_users else tables.SubjectRule
    wanted = select(table.condition).where(table.id == rule_id, table.workflow_id == workflow_id)
    written = session.scalar(wanted)
    return None if written is None else parse_text(written)


def _no_data(row: ExtractorRow, found: Classification) -> str:
    minimum, version = row.minimum_workflow_version, found.workflow_version
    if is_older(version, minimum):
        return f"It was made with version {version} of the workflow, which is before {minimum}."
    task = row.config.get("task_key", "T0")
    if row.type not in ("pluck_field", "gold") and task not in found.annotations:
        return f"It has no annotation for task {task}."
    return "It does not have all that the extractor looks for."
