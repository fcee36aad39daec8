"""Extracts and reductions that are written through the API: what follows is the pipeline's own.

Rules are checked and actions written under the same locks, so that the order of each subject stays.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from caesar_web.domain.classification import Classification, Subject
from caesar_web.domain.values import DomainError
from caesar_web.pipeline.extraction import Extraction
from caesar_web.pipeline.ledger import Ledger
from caesar_web.pipeline.processing import Work
from caesar_web.pipeline.rebuilding import Plan, lock, rebuild
from caesar_web.pipeline.rule_check import Decisions
from caesar_web.store import extract_statements as extract_rows
from caesar_web.store import inbox_statements as inbox
from caesar_web.store import pushed_statements as pushed
from caesar_web.store import result_statements as results
from caesar_web.store import run_scope
from caesar_web.store.action_statements import SUBJECT_ACTIONS, USER_ACTIONS
from caesar_web.store.counters import add_to_counters
from caesar_web.store.inbox import LANES
from caesar_web.store.inbox_statements import Claimed
from caesar_web.store.result_statements import SUBJECT, Place, Topic
from caesar_web.store.snapshot import Reducible, Snapshot, revisions, snapshot

MOST_EXTRACTS = 50_000


class Refused(DomainError):
    """What was to be written does not fit what is there."""


class PushedExtract(NamedTuple):
    """An extract as a client writes it; without a classification it must name one that is there."""

    extractor_key: str
    subject_id: int
    data: Any
    classification_id: int | None = None
    classification_at: datetime | None = None
    user_id: int | None = None


class PushedReduction(NamedTuple):
    """A reduction as a client writes it: `data` takes the place of what was there."""

    reducer_key: str
    target_id: int
    subgroup: str
    data: dict[str, Any]


def push_extract(session: Session, workflow_id: int, given: PushedExtract, *, now: datetime) -> int:
    """Writes an extract, new or again, and all that follows; gives its id. Raises Refused."""
    plan = _plan(session, workflow_id)
    inbox.await_lanes(session, workflow_id, {given.subject_id % LANES})
    found = pushed.extracts_like(session, plan.workflow_id, given)
    if given.classification_id is None:
        if len(found) != 1:
            raise Refused(f"classification_id: there are {len(found)} extracts that this could be")
        (known,) = found
        if known.classification_id is None:
            return _push_prediction(session, plan, given, known.id, now)
        given = given._replace(
            classification_id=known.classification_id,
            classification_at=known.classification_at,
            user_id=known.user_id,
        )
    return _push_of_classification(session, plan, given, now)


def push_reduction(
    session: Session, reducible: Reducible, topic: Topic, given: PushedReduction, *, now: datetime
) -> int:
    """Writes a reduction, and checks the rules where its data is another; gives its id."""
    place = Place(given.target_id, given.reducer_key, given.subgroup)
    ledger = change_reductions(
        session,
        reducible,
        topic,
        given.target_id,
        lambda ledger: ledger.put(place, given.data),
        now=now,
    )
    return ledger.id_of(place)


def change_reductions(
    session: Session,
    reducible: Reducible,
    topic: Topic,
    target: int,
    change: Callable[[Ledger], bool],
    *,
    now: datetime,
) -> Ledger:
    """Changes reductions of one target, and checks the rules where `change` says so."""
    rules: Any = ()
    rules_applied = "no_rules"
    if reducible.type == "Workflow":
        plan = _plan(session, reducible.id)
        rules = plan.subject_rules if topic is SUBJECT else plan.user_rules
        rules_applied = plan.rules_applied
    lock(session, reducible, topic, [target], now=now)
    ledger = Ledger(reducible, topic, (), targets={target: (target,)})
    ledger.load(session)
    kind = SUBJECT_ACTIONS if topic is SUBJECT else USER_ACTIONS
    decisions = Decisions(reducible.id, kind, rules, rules_applied=rules_applied)
    if change(ledger):
        known = run_scope.subjects(session, [target]) if topic is SUBJECT else {}
        decisions.load(session, [target])
        decisions.check_now(ledger, target, known.get(target), now=now)
    more = ledger.write(session, now=now)
    actions = decisions.write(session)
    of = "subject" if topic is SUBJECT else "user"
    counts = {f"{of}_reductions_count": more}
    if actions:
        counts[f"{of}_actions_count"] = actions
    add_to_counters(session, reducible, counts)
    return ledger


def _push_of_classification(
    session: Session, plan: Snapshot, given: PushedExtract, now: datetime
) -> int:
    claimed = Claimed(_classification(session, plan, given, now), is_changed=True, run_id=None)
    work = Work(session, plan, [claimed], now)
    work.load_subjects(MOST_EXTRACTS)
    (row,) = results.write_extracts(session, [_row(claimed.classification, given, now)])
    extraction = Extraction(claimed)
    id = claimed.classification.id
    extraction.extracts = tuple(extract_rows.extracts_of(session, [id]).get(id, ()))
    work.follow([extraction], more=int(row.created_at == now))
    extract_id: int = row.id
    return extract_id


def _push_prediction(
    session: Session, plan: Snapshot, given: PushedExtract, extract_id: int, now: datetime
) -> int:
    pushed.change_data(session, extract_id, given.data, now=now)
    reducible = Reducible("Workflow", plan.workflow_id)
    again = Plan(
        reducible,
        SUBJECT,
        plan.reducers_of(reducible, SUBJECT.name),
        plan.subject_rules,
        plan.rules_applied,
        check="last",
        silent_run=None,
    )
    rebuild(session, again, [given.subject_id], now=now)
    return extract_id


def _classification(
    session: Session, plan: Snapshot, given: PushedExtract, now: datetime
) -> Classification:
    """The one that the extract is of, as it is kept, or as the extract tells of it."""
    id = given.classification_id or 0
    owner = pushed.owner_of(session, id)
    if owner is not None and owner != (plan.workflow_id, given.subject_id):
        raise Refused(f"classification_id: {id} is of another subject or workflow")
    if pushed.is_waiting(session, id):  # its own extracts would take the place of this one
        raise Refused(f"classification_id: {id} is not processed yet; send this again soon")
    kept = inbox.kept(session, plan.workflow_id, [id])
    if kept:
        return kept[0].classification
    subjects = run_scope.subjects(session, [given.subject_id])
    subject = subjects.get(given.subject_id) or Subject(given.subject_id, {})
    at = given.classification_at or now
    return Classification(
        id, plan.project_id, plan.workflow_id, None, subject, given.user_id, {}, {}, at, at
    )


def _row(classification: Classification, given: PushedExtract, now: datetime) -> dict[str, Any]:
    return {
        "classification_id": classification.id,
        "classification_at": classification.created_at,
        "extractor_key": given.extractor_key,
        "project_id": classification.project_id,
        "workflow_id": classification.workflow_id,
        "workflow_version": classification.workflow_version,
        "subject_id": classification.subject.id,
        "user_id": classification.user_id,
        "data": given.data,
        "created_at": now,
        "updated_at": now,
    }


def _plan(session: Session, workflow_id: int) -> Snapshot:
    at = revisions(session, workflow_id)
    if at is None:
        raise Refused(f"there is no workflow {workflow_id} here")
    return snapshot(session, at)
