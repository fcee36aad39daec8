"""What people ask for after an action is over: to try one that failed, or to do one once more."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from caesar_web.domain.effects import EFFECTS
from caesar_web.domain.events import LARGEST_ID
from caesar_web.pipeline.configuring import Unknown
from caesar_web.store import action_repeats as repeats
from caesar_web.store.action_statements import Kind
from caesar_web.store.configuration import Workflow
from caesar_web.store.counters import add_to_counters
from caesar_web.store.snapshot import Reducible


def retry(
    session: Session, kind: Kind, workflow_id: int, action_ids: Iterable[int], *, now: datetime
) -> int:
    """Lets failed actions of a workflow be tried as if never before; says how many those are."""
    ids = [id for id in action_ids if 0 < id <= LARGEST_ID]
    return repeats.retry(session, kind, workflow_id, ids, now=now)


def act_again(
    session: Session, kind: Kind, workflow_id: int, action_id: int, *, now: datetime
) -> int:
    """Decides once more what an action did, with its effect as that is now; gives the new id.

    Raises Unknown where there is no such action, it is still pending, or its effect is gone.
    """
    # Whoever changes the configuration, or asks for the same, waits: in this order, as they do.
    session.get(Workflow, workflow_id, with_for_update=True)
    action = repeats.action_of(session, kind, workflow_id, action_id)
    if action is None or action.status == "pending":
        raise Unknown(f"there is no action {action_id} in workflow {workflow_id} that is over")
    effect = repeats.effect_of(session, kind, workflow_id, action.effect_id)
    if effect is None or effect.action not in EFFECTS:
        raise Unknown(f"the effect of action {action_id} is not there any more")
    is_once = EFFECTS[effect.action].once
    again_id = repeats.write_again(session, kind, action, effect, is_once=is_once, now=now)
    count = {f"{kind.table.__tablename__}_count": 1}
    add_to_counters(session, Reducible("Workflow", workflow_id), count)
    return again_id
