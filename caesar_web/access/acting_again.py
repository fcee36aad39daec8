"""Retrying actions, and doing them once more, as the caller, which the trail tells of."""

from collections.abc import Sequence

from caesar_web.access import parts, trail
from caesar_web.jobs import queues, tasks
from caesar_web.pipeline import acting_again
from caesar_web.store.action_statements import Kind


def retry_actions(kind: Kind, workflow_id: int, action_ids: Sequence[int]) -> int:
    """Lets failed actions of a workflow be tried again; says how many those are."""
    with tasks.transaction() as session:
        number = acting_again.retry(session, kind, workflow_id, action_ids, now=parts.now())
        if number:
            about = f"{number} on {_targets(kind)}"
            trail.note(session, "retried actions", about=about, workflow_id=workflow_id)
    if number:
        queues.ring_actions(parts.config().redis_url, workflow_id)
    return number


def act_again(kind: Kind, workflow_id: int, action_id: int) -> int:
    """Does once more what an action did, with its effect as it is now. Raises Unknown."""
    with tasks.transaction() as session:
        again_id = acting_again.act_again(session, kind, workflow_id, action_id, now=parts.now())
        about = f"action {action_id} on {_targets(kind)}, again as {again_id}"
        trail.note(session, "acted again", about=about, workflow_id=workflow_id)
    queues.ring_actions(parts.config().redis_url, workflow_id)
    return again_id


def _targets(kind: Kind) -> str:
    return "subjects" if kind.target == "subject_id" else "users"
