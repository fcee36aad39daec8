"""Answers that were reworded in Panoptes after the rules that refer to them were saved."""

from caesar_web.access import parts, trail
from caesar_web.access.workflow_tasks import tasks_of
from caesar_web.domain.wordings import Reworded, carried_on, remembered, reworded
from caesar_web.jobs import tasks
from caesar_web.store import wordings
from caesar_web.store.queries import reading


def remember(workflow_id: int) -> None:
    """After a change of configuration: what the answers are called to which it refers now.

    Answers to which it referred before keep their names until they are accepted.
    """
    with reading() as session:
        before = wordings.find(session, workflow_id)
        references = wordings.references(session, workflow_id)
    if not (before or references):
        return
    known = tasks_of(workflow_id).tasks if references else ()
    after = carried_on(before, references, known)
    if after != before:
        with tasks.transaction() as session:
            wordings.keep(session, workflow_id, after, now=parts.now())


def changed(workflow_id: int) -> list[Reworded]:
    """The answers that are called something else now, as far as Panoptes says."""
    with reading() as session:
        before = wordings.find(session, workflow_id)
    return reworded(before, tasks_of(workflow_id).tasks) if before else []


def accept(workflow_id: int) -> bool:
    """Takes the answers as they are called now; False where Panoptes does not say."""
    found = tasks_of(workflow_id)
    if found.problem:
        return False
    with tasks.transaction() as session:
        before = wordings.find(session, workflow_id)
        after = remembered(wordings.references(session, workflow_id), found.tasks)
        if after != before:
            wordings.keep(session, workflow_id, after, now=parts.now())
            trail.note(
                session,
                "accepted reworded answers",
                before=before,
                after=after,
                workflow_id=workflow_id,
            )
    return True
