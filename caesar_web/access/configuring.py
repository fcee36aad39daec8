"""Changing a workflow's configuration as the caller, which the trail tells of."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from caesar_web.access import parts, trail
from caesar_web.access.identity import identity
from caesar_web.access.membership import may_touch
from caesar_web.access.permissions import NotSignedIn
from caesar_web.access.renewal import PanoptesAway
from caesar_web.domain.documents import Document
from caesar_web.domain.effects import EffectRow
from caesar_web.jobs import queues, tasks
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.pipeline import configuring
from caesar_web.pipeline.configuring import Change, Place
from caesar_web.pipeline.targets import Author
from caesar_web.store import audit_statements as audit


def apply(workflow_id: int, document: Document) -> bool:
    """Gives a workflow the configuration of a document; False when that changes nothing.

    Raises InvalidConfiguration, also for what the caller may not point at, and PanoptesAway.
    """
    with _panoptes_asked():
        changed = configuring.configure(_change(), workflow_id, document)
    if document.settings.get("status") == "active":
        with tasks.transaction() as session:
            queue = tasks.queue_of(session, workflow_id)
        queues.ring_classifications(parts.config().redis_url, workflow_id, queue=queue)
    return changed


def save_effect(place: Place, row: EffectRow, *, at: str) -> int:
    """Saves an effect, a new one or one as it will be; gives its id. Raises as `apply`."""
    with _panoptes_asked():
        return configuring.save_effect(_change(), place, row, at=at)


def remove_effect(place: Place) -> None:
    configuring.remove_effect(_change(), place)


def _change() -> Change:
    caller = identity()
    if caller is None:
        raise NotSignedIn
    author = Author(caller.login, caller.user_id, may_touch, is_admin=caller.acts_as_admin)
    return Change(author, parts.now(), tasks.panoptes(), tasks.sealer(), _noted)


@contextmanager
def _noted() -> Iterator[Session]:
    """A transaction whose changes of configuration are in the trail."""
    with tasks.transaction() as session:
        yield session
        audit.write_changes(session, now=parts.now(), **trail.who())


@contextmanager
def _panoptes_asked() -> Iterator[None]:
    try:
        yield
    except PanoptesError as problem:
        raise PanoptesAway(problem.message) from problem
