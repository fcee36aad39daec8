"""Reducing again: everything that came of a subject or volunteer, as if it came anew.

With what rules decide after each classification, or at the end, or without any rule.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from caesar_web.domain.classification import Subject, previous_subjects
from caesar_web.domain.rules import Rule
from caesar_web.domain.series import Reducer
from caesar_web.pipeline.ledger import Ledger
from caesar_web.pipeline.rule_check import Decisions
from caesar_web.pipeline.wanting import want_reductions
from caesar_web.store import inbox_statements as inbox
from caesar_web.store import result_statements as results
from caesar_web.store import run_scope
from caesar_web.store.action_statements import SUBJECT_ACTIONS, USER_ACTIONS
from caesar_web.store.counters import add_to_counters
from caesar_web.store.inbox import LANES
from caesar_web.store.result_statements import SUBJECT, Topic
from caesar_web.store.run_statements import Failure
from caesar_web.store.snapshot import Reducible

CHECKS = ("each", "last", "changed", "none")


@dataclass(frozen=True)
class Plan:
    """What to reduce again, and what to check then; `silent_run` as in `Decisions.check`.

    `check` says when: after each classification, once at the end, there only where rules see other
    data than before, or never. `only_rule` as in `Decisions`.
    """

    reducible: Reducible
    topic: Topic
    reducers: Sequence[Reducer]
    rules: Sequence[Rule]
    rules_applied: str
    check: str
    silent_run: int | None
    only_rule: int | None = None
    leaves_gaps: bool = True


@dataclass(frozen=True)
class Rebuilt:
    """What came of it: the actions that were decided, and what could not be done."""

    actions: int
    failures: Sequence[Failure]


def rebuild(session: Session, plan: Plan, target_ids: Sequence[int], *, now: datetime) -> Rebuilt:
    """Reduces targets again. Turns over the same targets wait for it, and it for them."""
    lock(session, plan.reducible, plan.topic, target_ids, now=now)
    subjects = run_scope.subjects(session, target_ids) if plan.topic is SUBJECT else {}
    ledger = Ledger(
        plan.reducible,
        plan.topic,
        plan.reducers,
        targets=sources_of(plan.reducible, plan.topic, target_ids, subjects),
    )
    histories = ledger.begin_again(session, leaves_gaps=plan.leaves_gaps)
    ledger.load_related(session, ())
    want_reductions(session, plan.reducible, plan.reducers, target_ids, now=now)
    kind = SUBJECT_ACTIONS if plan.topic is SUBJECT else USER_ACTIONS
    decisions = Decisions(
        plan.reducible.id,
        kind,
        plan.rules,
        rules_applied=plan.rules_applied,
        only_rule=plan.only_rule,
    )
    decisions.load(session, target_ids)
    for target in target_ids:
        subject = subjects.get(target)
        check = partial(decisions.check_now, ledger, target, subject, now=now)
        for group in histories.get(target, ()):
            if ledger.arrive(target, group) and plan.check == "each":
                check(silent_run=plan.silent_run)
        if plan.check == "last" or (plan.check == "changed" and ledger.has_changed(target)):
            check(silent_run=plan.silent_run)
    more = ledger.write(session, now=now)
    actions = decisions.write(session)
    _count(session, plan, more, actions)
    return Rebuilt(actions, _failures(plan, ledger, decisions))


def few_enough(
    session: Session, reducible: Reducible, topic: Topic, found: list[tuple[int, int]], most: int
) -> list[tuple[int, int]]:
    """The first targets that have `most` extracts together; one at least."""
    ids = [id for _, id in found]
    counts = results.count_extracts(session, reducible, topic, ids)
    total = 0
    taken: list[tuple[int, int]] = []
    for position, id in found:
        total += counts.get(id, 0)
        if taken and total > most:
            break
        taken.append((position, id))
    return taken


def lock(
    session: Session,
    reducible: Reducible,
    topic: Topic,
    target_ids: Iterable[int],
    *,
    now: datetime,
) -> None:
    """Waits for whoever makes reductions of these targets; they are ours until the end."""
    if topic is SUBJECT and reducible.type == "Workflow":
        inbox.await_lanes(session, reducible.id, {id % LANES for id in target_ids})
    else:
        results.lock_targets(session, reducible, topic, target_ids, now=now)


def sources_of(
    reducible: Reducible,
    topic: Topic,
    target_ids: Iterable[int],
    subjects: Mapping[int, Subject],
) -> dict[int, tuple[int, ...]]:
    """Each target with itself and, for a subject of a workflow, its previous subjects."""
    has_previous = topic is SUBJECT and reducible.type == "Workflow"
    previous = {id: previous_subjects(one.metadata) for id, one in subjects.items()}
    return {
        id: tuple(dict.fromkeys((id, *(previous.get(id, ()) if has_previous else ()))))
        for id in target_ids
    }


def _count(session: Session, plan: Plan, reductions: int, actions: int) -> None:
    of = "subject" if plan.topic is SUBJECT else "user"
    counts = {f"{of}_reductions_count": reductions}
    if plan.reducible.type == "Workflow":
        counts[f"{of}_actions_count"] = actions
    add_to_counters(session, plan.reducible, counts)


def _failures(plan: Plan, ledger: Ledger, decisions: Decisions) -> list[Failure]:
    """Each once, whatever the number of targets or steps in which it came up."""
    keys = {reducer.id: reducer.key for reducer in plan.reducers}
    found: dict[Failure, Any] = {}
    for id, message in ledger.failures:
        found[Failure(f"reducer {keys[id]}", message)] = None
    for id, message in decisions.failures:
        found[Failure(f"rule {id}", message)] = None
    return list(found)
