"""Writing extracts and reductions as the caller, for whose project the subjects must be."""

from caesar_web.access import parts
from caesar_web.access.renewal import PanoptesAway
from caesar_web.jobs import queues, tasks
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.pipeline import pushing
from caesar_web.pipeline.panoptes_subjects import subjects_of_project
from caesar_web.pipeline.pushing import PushedExtract, PushedReduction
from caesar_web.store import inbox_statements as inbox
from caesar_web.store import queries
from caesar_web.store.configuration import Workflow
from caesar_web.store.inbox import Subject
from caesar_web.store.queries import reading
from caesar_web.store.result_statements import SUBJECT, USER, Topic
from caesar_web.store.snapshot import Reducible


class Missing(Exception):
    """There is no such thing: what it would be, and its id or key."""


def topic_of(reducible: Reducible, reducer_key: str) -> Topic:
    """Whose reductions a reducer makes. Raises Missing."""
    with reading() as session:
        rows = queries.reducers(session, reducible.type, reducible.id)
        for row in rows:
            if row.key == reducer_key:
                return SUBJECT if row.topic == SUBJECT.name else USER
    raise Missing("Reducer", reducer_key)


def push_reduction(reducible: Reducible, topic: Topic, given: PushedReduction) -> int:
    """Writes a reduction and what follows; gives its id. Raises Missing and PanoptesAway."""
    if topic is SUBJECT:
        know_subject(reducible, given.target_id)
    with tasks.transaction() as session:
        id = pushing.push_reduction(session, reducible, topic, given, now=parts.now())
    if reducible.type == "Workflow":
        _ring(reducible.id)
    return id


def push_extract(workflow_id: int, given: PushedExtract) -> int:
    """Writes an extract and what follows; gives its id. Raises Missing, Refused, PanoptesAway."""
    know_subject(Reducible("Workflow", workflow_id), given.subject_id)
    with tasks.transaction() as session:
        id = pushing.push_extract(session, workflow_id, given, now=parts.now())
    _ring(workflow_id)
    return id


def know_subject(reducible: Reducible, subject_id: int) -> None:
    """Asks Panoptes for a subject that nobody here knows: it must be of this project."""
    with reading() as session:
        if session.get(Subject, subject_id) is not None:
            return
        is_workflow = reducible.type == "Workflow"
        project_id = (
            session.get_one(Workflow, reducible.id).project_id if is_workflow else reducible.id
        )
    try:
        found, _ = subjects_of_project(parts.swift_panoptes(), [subject_id], project_id)
    except PanoptesError as problem:
        raise PanoptesAway(problem.message) from problem
    if not found:
        raise Missing("Subject", subject_id)
    with tasks.transaction() as session:
        inbox.keep_subjects(session, found)


def _ring(workflow_id: int) -> None:
    """For what was decided, and for classifications whose turn found the lane taken."""
    with tasks.transaction() as session:
        queue = tasks.queue_of(session, workflow_id)
    url = parts.config().redis_url
    queues.ring_actions(url, workflow_id)
    queues.ring_classifications(url, workflow_id, queue=queue)
