"""What a run withheld: how much that is, and doing it after all."""

from datetime import datetime

from sqlalchemy.orm import Session

from caesar_web.domain.effects import EFFECTS
from caesar_web.store import withheld_statements as withheld
from caesar_web.store.action_statements import KINDS, Kind, write_actions
from caesar_web.store.counters import add_to_counters
from caesar_web.store.snapshot import Reducible

AT_ONCE = 1000


def apply(session: Session, run_id: int, *, now: datetime) -> dict[int, int]:
    """Decides what a run withheld, in its order; how many actions there are now, by workflow.

    What has been decided since is left out, and so is what an effect that was changed would do.
    """
    written: dict[int, int] = {}
    for kind in KINDS:
        while rows := withheld.next_ones(session, kind, run_id, most=AT_ONCE):
            for workflow_id, number in _write(session, kind, rows, now).items():
                written[workflow_id] = written.get(workflow_id, 0) + number
    return written


def _write(session: Session, kind: Kind, rows: list[tuple], now: datetime) -> dict[int, int]:  # type: ignore[type-arg]
    made: dict[int, list[dict[str, object]]] = {}
    for one, effect in rows:
        row = withheld.applied_row(one, effect, kind, now=now)
        row["occurrence"] = 0 if EFFECTS[effect.action].once else None
        made.setdefault(one.workflow_id, []).append(row)
    counts = {}
    for workflow_id, actions in made.items():
        counts[workflow_id] = write_actions(session, kind, actions)
        counter = f"{kind.table.__tablename__}_count"
        add_to_counters(session, Reducible("Workflow", workflow_id), {counter: counts[workflow_id]})
    withheld.remove(session, [one.id for one, _ in rows])
    return counts
