"""Freezing effects and thawing them, discarding what waits, trying a host: in the trail."""

from collections.abc import Mapping
from typing import Any

from caesar_web.access import parts, trail
from caesar_web.jobs import queues, tasks
from caesar_web.pipeline import claiming, gates
from caesar_web.store import freeze_statements as freezes
from caesar_web.store import frozen_actions
from caesar_web.store.freeze_statements import EVERYWHERE
from caesar_web.store.snapshot import Reducible


def freeze(of: Reducible) -> bool:
    """Lets actions wait from now on; False where they do so already."""
    with tasks.transaction() as session:
        who = trail.who()["actor"]
        if not freezes.freeze(session, of, frozen_by=who, now=parts.now()):
            return False
        trail.note(session, "froze effects", about=_said(of), **_where(of))
    return True


def thaw(of: Reducible) -> bool:
    """Lets actions be performed again, and rings for them; False where there is no freeze."""
    with tasks.transaction() as session:
        if not freezes.thaw(session, of):
            return False
        trail.note(session, "thawed effects", about=_said(of), **_where(of))
        panoptes = tasks.panoptes_host()
        due = claiming.workflows_with_due(session, panoptes=panoptes, now=parts.now())
    for workflow_id in due:
        queues.ring_actions(parts.config().redis_url, workflow_id)
    return True


def discard(of: Reducible, up_to: Mapping[str, int], *, number: int) -> bool:
    """Discards what waits in a freeze, up to these ids; False where it is not that number."""
    with tasks.transaction() as session:
        now = parts.now()
        is_frozen = bool(freezes.freezes(session, [of]))
        if not is_frozen or frozen_actions.number(session, of, up_to, now=now) != number:
            return False
        frozen_actions.discard(session, of, up_to, by=trail.who()["actor"], now=now)
        about = f"{number} that waited, {_said(of)}"
        trail.note(session, "discarded actions", about=about, **_where(of))
    return True


def try_host(workflow_id: int, host: str) -> bool:
    """Ends the cool-off of a host; False where nothing is held back."""
    with tasks.transaction() as session:
        if not gates.end_cool_off(session, host, now=parts.now()):
            return False
        trail.note(session, "tried a host again", about=host, workflow_id=workflow_id)
    queues.ring_actions(parts.config().redis_url, workflow_id)
    return True


def _said(of: Reducible) -> str:
    return "everywhere" if of == EVERYWHERE else f"of {of.type.lower()} {of.id}"


def _where(of: Reducible) -> dict[str, Any]:
    return {} if of == EVERYWHERE else {f"{of.type.lower()}_id": of.id}
