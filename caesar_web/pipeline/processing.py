"""The batch: one turn over lanes of a workflow, one transaction, a fixed number of statements.

The order within a turn is that of the inbox, and rules are checked after every classification, so
that what they decide does not depend on how classifications were batched (architecture.md, 3).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from caesar_web.domain.classification import Classification, Extract, previous_subjects
from caesar_web.pipeline.extraction import Extraction, extract, write_extracts
from caesar_web.pipeline.ledger import Ledger
from caesar_web.pipeline.outcomes import Outcomes
from caesar_web.pipeline.rule_check import Decisions
from caesar_web.pipeline.wanting import want_after, want_extracts
from caesar_web.store import inbox_statements as inbox
from caesar_web.store import result_statements as results
from caesar_web.store import run_statements as runs
from caesar_web.store.action_statements import SUBJECT_ACTIONS, USER_ACTIONS
from caesar_web.store.counters import add_to_counters
from caesar_web.store.inbox import LANES
from caesar_web.store.inbox_statements import Claimed
from caesar_web.store.result_statements import SUBJECT, USER, Topic
from caesar_web.store.snapshot import Reducible, Snapshot, revisions, snapshot


@dataclass(frozen=True)
class Limits:
    """How much one turn takes on: classifications, and about so many earlier extracts."""

    classifications: int
    extracts: int


@dataclass(frozen=True)
class Turn:
    """What a turn has done; `more_waits` where there is work that it did not take.

    `in_vain`: it held lanes for nothing, and who came for them meanwhile found them taken. `means`
    are those whose help it wants.
    """

    processed: int = 0
    actions: int = 0
    more_waits: bool = False
    in_vain: bool = False
    means: frozenset[str] = frozenset()


class TurnFailed(Exception):
    """A turn that one of its classifications made fail; nothing of it was written."""

    def __init__(self, classifications: list[Classification], problem: Exception) -> None:
        self.classifications = classifications
        said = getattr(problem, "orig", None) or problem  # without the statement and its rows
        super().__init__(f"{type(problem).__name__}: {said}"[:2000])


# These are the database's own trouble: no classification is to blame, and the turn is tried again.
TROUBLE = (OperationalError, InterfaceError, ProgrammingError, MemoryError)
# But these states of PostgreSQL come from what a row holds: too much for an index, or a trigger.
OF_A_ROW = ("54", "P0")


def is_trouble(problem: Exception) -> bool:
    """Whether the database is to blame, and not what one classification holds."""
    state = getattr(getattr(problem, "orig", None), "sqlstate", None) or ""
    return isinstance(problem, TROUBLE) and not state.startswith(OF_A_ROW)


def take_turn(
    session: Session, workflow_id: int, *, first_lane: int, limits: Limits, now: datetime
) -> Turn:
    """Processes the next classifications of free lanes, from `first_lane` on.

    Raises TurnFailed, or one of TROUBLE.
    """
    enough = max(1, limits.classifications // 2)
    waiting = inbox.waiting_by_lane(session, workflow_id, most=enough)
    free: list[int] = []
    left = dict(waiting)
    while left and not free:  # where others work on all of the lanes that come first
        lanes = lanes_to_take(left, first_lane, most=limits.classifications, enough=enough)
        free = inbox.lock_lanes(session, workflow_id, lanes)
        left = {lane: number for lane, number in left.items() if lane not in lanes}
    if not free:
        return Turn()
    # Only now: who has waited for our lanes has no turn to fear that knows an older configuration.
    at = revisions(session, workflow_id)
    if at is None or at.status != "active":
        return Turn()
    claimed = inbox.claim(session, workflow_id, free, most=limits.classifications)
    if not claimed:
        return Turn(in_vain=True)
    work = Work(session, snapshot(session, at), claimed, now)
    try:
        work.load_subjects(limits.extracts)
        processed, actions = work.carry_out()
    except Exception as problem:
        if is_trouble(problem):
            raise
        raise TurnFailed(work.classifications, problem) from problem
    is_full = processed >= limits.classifications  # then what waits was perhaps not counted
    more_waits = is_full or sum(waiting.values()) > processed
    return Turn(processed, actions, more_waits=more_waits, means=frozenset(work.means))


def lanes_to_take(
    waiting: Mapping[int, int], first_lane: int, *, most: int, enough: int
) -> list[int]:
    """Neighbouring lanes while little waits in them; one with `enough` is taken alone."""
    order = sorted(waiting, key=lambda lane: (lane - first_lane) % LANES)
    if order and waiting[order[0]] >= enough:
        return order[:1]
    lanes: list[int] = []
    total = 0
    for lane in order:
        if total >= most:
            break
        if waiting[lane] < enough:
            lanes.append(lane)
            total += waiting[lane]
    return lanes


class Work:
    """The work on some classifications whose lanes are held."""

    def __init__(
        self, session: Session, plan: Snapshot, claimed: Sequence[Claimed], now: datetime
    ) -> None:
        self._session = session
        self._plan = plan
        self._claimed = list(claimed)
        self._now = now
        self._workflow = Reducible("Workflow", plan.workflow_id)
        self._project = Reducible("Project", plan.project_id)
        self._outcomes = Outcomes(plan, now)
        run_ids = {one.run_id for one in claimed if one.run_id is not None}
        self._silent_runs = runs.silent(session, run_ids) if run_ids else frozenset()
        self.means: set[str] = set()
        self._counts: dict[Reducible, dict[str, int]] = {self._workflow: {}, self._project: {}}

    @property
    def classifications(self) -> list[Classification]:
        return [claimed.classification for claimed in self._claimed]

    def load_subjects(self, most_extracts: int) -> None:
        """Loads the subjects' reductions and history, before this turn changes any extract.

        Where the history is too long for one turn, the turn gives up its last classifications.
        """
        self._subjects = self._subject_ledger()
        if not self._subjects.load(self._session, most=most_extracts):
            subject_ids = {one.classification.subject.id for one in self._claimed}
            counts = results.count_extracts(self._session, self._workflow, SUBJECT, subject_ids)
            self._claimed = _within(self._claimed, counts, most_extracts)
            self._subjects = self._subject_ledger()
            self._subjects.load(self._session)

    def _subject_ledger(self) -> Ledger:
        subjects = {
            # each once, or its extracts would count as often as it is named
            subject.id: tuple(dict.fromkeys((subject.id, *previous_subjects(subject.metadata))))
            for subject in (one.classification.subject for one in self._claimed)
        }
        reducers = self._plan.reducers_of(self._workflow, SUBJECT.name)
        return Ledger(self._workflow, SUBJECT, reducers, targets=subjects)

    def carry_out(self) -> tuple[int, int]:
        """Extracts, reduces, checks rules and writes; how many processed, how many actions."""
        extractions = [
            extract(claimed, self._plan.extractors, outcomes=self._outcomes)
            for claimed in self._claimed
        ]
        # What was made elsewhere of an earlier version stays until the answer about this one.
        called = [one.key for one in self._plan.extractors if one.type.elsewhere]
        held = (*self._plan.held_extractors, *called)
        more = write_extracts(self._session, extractions, now=self._now, held=held)
        workflow_id = self._plan.workflow_id
        self.means |= want_extracts(self._session, workflow_id, extractions, now=self._now)
        done = (classification.id for classification in self.classifications)
        inbox.mark_processed(self._session, done, now=self._now)
        return len(self._claimed), self.follow(extractions, more=more)

    def follow(self, extractions: Sequence[Extraction], *, more: int) -> int:
        """Reduces and checks rules after extracts that are written; how many actions.

        By `more` extracts there are more than before.
        """
        self._counts[self._workflow]["extracts_count"] = more
        matters = [extraction for extraction in extractions if extraction.matters]
        actions = self._reduce_subjects(matters)
        # Users, and all that belongs to the project: other lanes work on the same targets.
        for reducible, topic in (
            (self._workflow, USER),
            (self._project, SUBJECT),
            (self._project, USER),
        ):
            if self._plan.reducers_of(reducible, topic.name):
                actions += self._reduce_shared(reducible, topic, matters)
        self.means |= want_after(self._session, self._plan, matters, now=self._now)
        self._outcomes.write(self._session)
        for reducible, counts in self._counts.items():
            add_to_counters(self._session, reducible, counts)
        return actions

    def _reduce_subjects(self, extractions: Sequence[Extraction]) -> int:
        ledger, plan = self._subjects, self._plan
        decisions = Decisions(
            plan.workflow_id, SUBJECT_ACTIONS, plan.subject_rules, rules_applied=plan.rules_applied
        )
        ledger.load_related(self._session, _all_extracts(extractions))
        decisions.load(self._session, {one.classification.subject.id for one in extractions})
        for extraction in extractions:
            subject = extraction.classification.subject
            if ledger.arrive(subject.id, extraction.group):
                silent_run = self._silent_run(extraction)
                decisions.check_now(
                    ledger, subject.id, subject, now=self._now, silent_run=silent_run
                )
        return self._write(ledger, decisions)

    def _reduce_shared(
        self, reducible: Reducible, topic: Topic, extractions: Sequence[Extraction]
    ) -> int:
        arriving = [
            (target, extraction)
            for extraction in extractions
            if (target := _target(extraction, topic)) is not None
        ]
        targets = {target: (target,) for target, _ in arriving}
        if not targets:
            return 0
        results.lock_targets(self._session, reducible, topic, targets, now=self._now)
        reducers = self._plan.reducers_of(reducible, topic.name)
        ledger = Ledger(reducible, topic, reducers, targets=targets)
        ids = [extraction.classification.id for _, extraction in arriving]
        ledger.load(self._session, without=ids)
        ledger.load_related(self._session, _all_extracts(one for _, one in arriving))
        rules = self._plan.user_rules if reducible == self._workflow and topic is USER else ()
        decisions = Decisions(
            self._plan.workflow_id, USER_ACTIONS, rules, rules_applied=self._plan.rules_applied
        )
        decisions.load(self._session, targets)
        for target, extraction in arriving:
            if ledger.arrive(target, extraction.group):
                silent_run = self._silent_run(extraction)
                decisions.check_now(ledger, target, None, now=self._now, silent_run=silent_run)
        return self._write(ledger, decisions)

    def _silent_run(self, extraction: Extraction) -> int | None:
        """The run that the classification came with, unless what rules decide then is done."""
        run_id = extraction.claimed.run_id
        return run_id if run_id in self._silent_runs else None

    def _write(self, ledger: Ledger, decisions: Decisions) -> int:
        of = "subject" if ledger.topic is SUBJECT else "user"
        counts = self._counts[ledger.reducible]
        counts[f"{of}_reductions_count"] = ledger.write(self._session, now=self._now)
        for reducer_id in ledger.reduced:
            self._outcomes.went_well("reducer", reducer_id)
        for reducer_id, message in ledger.failures:
            self._outcomes.failed("reducer", reducer_id, message)
        for rule_id in decisions.checked:
            self._outcomes.went_well(f"{of}_rule", rule_id)
        for rule_id, message in decisions.failures:
            self._outcomes.failed(f"{of}_rule", rule_id, message)
        actions = decisions.write(self._session)
        if ledger.reducible == self._workflow:
            counts[f"{of}_actions_count"] = actions
        return actions


def _target(extraction: Extraction, topic: Topic) -> int | None:
    classification = extraction.classification
    return classification.user_id if topic is USER else classification.subject.id


def _all_extracts(extractions: Iterable[Extraction]) -> list[Extract]:
    return [one for extraction in extractions for one in extraction.extracts]


def _within(claimed: Sequence[Claimed], counts: Mapping[int, int], most: int) -> list[Claimed]:
    """The first classifications whose subjects have `most` extracts together; one at least."""
    seen: set[int] = set()
    total = 0
    for at, one in enumerate(claimed):
        subject_id = one.classification.subject.id
        if subject_id not in seen:
            total += counts.get(subject_id, 0)
            seen.add(subject_id)
        if total > most:
            return list(claimed[: max(at, 1)])
    return list(claimed)
