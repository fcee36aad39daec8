"""Changing the configuration of a workflow or project as the caller, which the trail tells of."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from sqlalchemy.orm import Session

from caesar_web.access import parts, trail, wordings
from caesar_web.access.identity import identity
from caesar_web.access.membership import may_touch
from caesar_web.access.permissions import NotSignedIn
from caesar_web.access.renewal import PanoptesAway
from caesar_web.domain.documents import Document, ExtractorRow, ReducerRow
from caesar_web.domain.effects import EffectRow
from caesar_web.jobs import queues, tasks
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.pipeline import configuring, part_saving, pausing, rule_saving, workflows
from caesar_web.pipeline.configuring import Change, Place
from caesar_web.pipeline.pausing import Moved
from caesar_web.pipeline.rule_saving import RuleWanted
from caesar_web.pipeline.targets import Author
from caesar_web.pipeline.workflows import Description
from caesar_web.store import audit_statements as audit
from caesar_web.store import rules, run_statements, transfer
from caesar_web.store.configuration import Workflow
from caesar_web.store.snapshot import Reducible


def apply(
    workflow_id: int, document: Document, *, note: str | None = None, expected: str | None = None
) -> bool:
    """Gives a workflow the configuration of a document; False when that changes nothing.

    `expected` is the fingerprint of its settings as the caller saw them. Raises ChangedMeanwhile,
    InvalidConfiguration, also for what the caller may not point at, and PanoptesAway.
    """
    with _panoptes_asked():
        changed = configuring.configure(
            _change(), workflow_id, document, note=note, expected=expected
        )
    if document.settings.get("status") == "active":
        _ring(workflow_id)
    if changed:
        wordings.remember(workflow_id)
    _ring_runs(Reducible("Workflow", workflow_id))
    return changed


def add(description: Description, document: Document) -> None:
    """Adds a workflow with the configuration of a document, wholly or not at all.

    Raises as `apply`, and IntegrityError where it is here already.
    """
    change = _change()
    with _panoptes_asked():
        saving = configuring.permitted(change, rules.to_permit(None, document, change.sealer))
    with change.transaction() as session:
        workflow = workflows.add(session, description, now=change.now)
        session.flush()
        trail.note(
            session,
            "added the workflow",
            about=description.name,
            workflow_id=description.id,
            project_id=description.project_id,
        )
        changed = transfer.apply(session, workflow, document, saving)
    if changed:
        wordings.remember(description.id)


def restore(workflow_id: int, revision_id: int) -> bool:
    """Gives a workflow the configuration that a revision of it left. Raises as `apply`, Unknown."""
    with _panoptes_asked():
        changed = configuring.restore(_change(), workflow_id, revision_id)
    with tasks.transaction() as session:
        is_active = session.get_one(Workflow, workflow_id).status == "active"
    if changed and is_active:
        _ring(workflow_id)
    if changed:
        wordings.remember(workflow_id)
    _ring_runs(Reducible("Workflow", workflow_id))
    return changed


def move_part(reducible: Reducible, kind: str, part_id: int, status: str) -> Moved:
    """Pauses, halts or resumes a part of a workflow or project. Raises Unknown."""
    moved = pausing.move_part(_change(), reducible, kind, part_id, status)
    _ring_runs(reducible)
    return moved


def save_rule(
    place: Place, wanted: RuleWanted, *, expected: str | None = None, note: str | None = None
) -> int:
    """Saves a rule with its effects; gives its id. Raises as `apply`, ChangedMeanwhile, Unknown."""
    with _panoptes_asked():
        id = rule_saving.save_rule(_change(), place, wanted, expected=expected, note=note)
    wordings.remember(place.workflow_id)
    return id


def remove_rule(place: Place) -> None:
    rule_saving.remove_rule(_change(), place)
    wordings.remember(place.workflow_id)


def move_rule(place: Place, step: Literal[-1, 1]) -> None:
    rule_saving.move_rule(_change(), place, step)


def save_effect(place: Place, row: EffectRow, *, at: str) -> int:
    """Saves an effect, a new one or one as it will be; gives its id. Raises as `apply`."""
    with _panoptes_asked():
        return configuring.save_effect(_change(), place, row, at=at)


def remove_effect(place: Place) -> None:
    configuring.remove_effect(_change(), place)


def save_extractor(
    workflow_id: int,
    key: str | None,
    row: ExtractorRow,
    *,
    rename_references: bool = False,
    expected: str | None = None,
) -> int:
    """Saves an extractor, a new one without a key; gives its id."""
    id = part_saving.save_extractor(
        _change(),
        workflow_id,
        key,
        row,
        rename_references=rename_references,
        expected=expected,
    )
    wordings.remember(workflow_id)
    return id


def remove_extractor(workflow_id: int, key: str) -> None:
    part_saving.remove_extractor(_change(), workflow_id, key)
    wordings.remember(workflow_id)


def save_reducer(
    reducible: Reducible,
    key: str | None,
    row: ReducerRow,
    *,
    rename_references: bool = False,
    expected: str | None = None,
) -> int:
    """Saves a reducer of a workflow or project, a new one without a key; gives its id."""
    id = part_saving.save_reducer(
        _change(),
        reducible,
        key,
        row,
        rename_references=rename_references,
        expected=expected,
    )
    _remember(reducible)
    return id


def remove_reducer(reducible: Reducible, key: str) -> None:
    part_saving.remove_reducer(_change(), reducible, key)
    _remember(reducible)


def _remember(reducible: Reducible) -> None:
    """Rules do not see the reducers of projects."""
    if reducible.type == "Workflow":
        wordings.remember(reducible.id)


def _change() -> Change:
    caller = identity()
    if caller is None:
        raise NotSignedIn
    author = Author(caller.login, caller.user_id, may_touch, is_admin=caller.acts_as_admin)
    return Change(author, parts.now(), tasks.panoptes(), tasks.sealer(), _noted)


def _ring(workflow_id: int) -> None:
    with tasks.transaction() as session:
        queue = tasks.queue_of(session, workflow_id)
    queues.ring_classifications(parts.config().redis_url, workflow_id, queue=queue)


def _ring_runs(reducible: Reducible) -> None:
    """For what a change has started: what was kept, and what makes up for a pause."""
    with tasks.transaction() as session:
        started = run_statements.due_of(session, reducible, now=parts.now())
    for run_id in started:
        queues.ring_run(parts.config().redis_url, run_id)


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
