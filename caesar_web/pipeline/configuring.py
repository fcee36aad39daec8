"""Changing configuration: Panoptes is asked first, and then one transaction saves all of it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from caesar_web.domain.documents import Document, read_document
from caesar_web.domain.effects import EffectRow
from caesar_web.domain.secrets import resolved
from caesar_web.domain.values import (
    DomainError,
    InvalidConfiguration,
    Problem,
    Unstorable,
    check_storable,
)
from caesar_web.panoptes.client import Panoptes
from caesar_web.pipeline import kept, resuming
from caesar_web.pipeline.targets import Author, permissions
from caesar_web.pipeline.workflows import Description, add
from caesar_web.store import effects, rules, transfer
from caesar_web.store.configuration import Revision, Workflow
from caesar_web.store.effects import AnyEffect, AnyRule, Saving
from caesar_web.store.fingerprints import fingerprint_of_settings
from caesar_web.store.sealing import Sealer

LONGEST_NOTE = 500


class Unknown(DomainError):
    """What was to be changed is not there, or not any more."""


class ChangedMeanwhile(DomainError):
    """What was to be changed is not any more as its editor saw it."""


@dataclass(frozen=True)
class Change:
    """Who changes configuration, when, and what it takes.

    `transaction` begins one and gives its session; none may be open when a change is made.
    """

    author: Author
    now: datetime
    panoptes: Panoptes
    sealer: Sealer
    transaction: Callable[[], AbstractContextManager[Session]]


class Place(NamedTuple):
    """Where a rule or effect is, with its workflow, so that no id of another leads to it.

    `rule` is SubjectRule or UserRule. Without a `rule_id`, it is to be a new rule of the workflow;
    without an `effect_id`, the rule itself or a new effect of it.
    """

    rule: type[AnyRule]
    workflow_id: int
    rule_id: int | None
    effect_id: int | None = None


def configure(
    change: Change,
    workflow_id: int,
    document: Document,
    *,
    description: Description | None = None,
    note: str | None = None,
    expected: str | None = None,
) -> bool:
    """Gives a workflow the configuration of a document; False when that changes nothing.

    A workflow that is not known is added, if Panoptes' description of it is given. `expected` is
    the fingerprint of its settings as their editor saw them. Raises InvalidConfiguration,
    PanoptesError, ChangedMeanwhile and Unknown, and then nothing is changed. What was paused and is
    active with it is made up for; where that is the workflow, a run follows what was kept.
    """
    with change.transaction() as session:
        workflow = session.get(Workflow, workflow_id)
        asked = rules.to_permit(workflow, document, change.sealer)
    saving = permitted(change, asked)
    with change.transaction() as session:
        workflow = session.get(Workflow, workflow_id, with_for_update=True)
        if workflow is None and description is not None:
            workflow = add(session, description, now=change.now)
            session.flush()
        if workflow is None:
            raise Unknown(f"there is no workflow {workflow_id} here")
        if expected is not None and fingerprint_of_settings(workflow) != expected:
            raise ChangedMeanwhile("the settings were changed meanwhile")
        was_active = workflow.status == "active"
        author, now = change.author, change.now
        with resuming.made_up(session, workflow, by=author.name, by_id=author.user_id, now=now):
            changed = transfer.apply(session, workflow, document, saving, note=checked_note(note))
        if workflow.status == "active" and not was_active:
            kept.follow(session, workflow_id, by=author.name, by_id=author.user_id, now=now)
        return changed


def restore(change: Change, workflow_id: int, revision_id: int) -> bool:
    """Gives a workflow the configuration that a revision of it left; False if it is so already.

    A rule that is equal stays the same rule, and does not act again. Raises as `configure`.
    """
    with change.transaction() as session:
        revision = session.scalar(
            select(Revision).filter_by(
                id=revision_id, reducible_type="Workflow", reducible_id=workflow_id
            )
        )
        if revision is None or revision.after is None:
            raise Unknown(f"there is no revision {revision_id} of workflow {workflow_id}")
        document = read_document(revision.after)
    return configure(change, workflow_id, document, note=f"restored from revision {revision_id}")


def checked_note(note: str | None) -> str | None:
    """What an author says of a change, if anything. Raises InvalidConfiguration."""
    text = (note or "").strip()
    try:
        check_storable(text)
    except Unstorable as problem:
        raise InvalidConfiguration([Problem("note", str(problem))]) from None
    if len(text) > LONGEST_NOTE:
        message = f"must have at most {LONGEST_NOTE} characters"
        raise InvalidConfiguration([Problem("note", message)])
    return text or None


def save_effect(change: Change, place: Place, row: EffectRow, *, at: str = "config") -> int:
    """Saves a new effect, or one as it will be; gives its id. Problems are told `at` this place.

    Saving an effect as it is records the permission again, and does not make it act again. Raises
    InvalidConfiguration, PanoptesError and Unknown, and then nothing is changed.
    """
    with change.transaction() as session:
        _, _, effect = find(session, place)
        asked = _resolved(row, effect, change.sealer, at)
    saving = permitted(change, [(at, asked)])
    with change.transaction() as session:
        workflow, _, _ = find(session, place)
        with transfer.changing(session, workflow, author=change.author.name, now=change.now):
            _, rule, effect = find(session, place)
            wanted = _resolved(row, effect, change.sealer, at)
            if effect is None:
                effect = effects.create(rule, wanted, saving, place=at)
            else:
                effects.change(effect, wanted, saving, place=at)
        return effect.id


def remove_effect(change: Change, place: Place) -> None:
    """Removes an effect; what it has decided before is still performed. Raises Unknown."""
    with change.transaction() as session:
        workflow, _, _ = find(session, place)
        with transfer.changing(session, workflow, author=change.author.name, now=change.now):
            _, rule, effect = find(session, place)
            remaining: Sequence[AnyEffect] = [one for one in rule.effects if one is not effect]
            rule.effects = remaining  # type: ignore[assignment]  # of the rule's own kind


def permitted(change: Change, asked: Sequence[tuple[str, EffectRow]]) -> Saving:
    """Asks Panoptes whether the author may use the targets of effects, which have these places.

    Not in a transaction. Raises InvalidConfiguration and PanoptesError.
    """
    owners = permissions(change.panoptes, asked, change.author)
    return Saving(change.author.name, change.author.user_id, change.now, change.sealer, owners)


def find(session: Session, place: Place) -> tuple[Workflow, AnyRule, AnyEffect | None]:
    """The effect with all that it belongs to; None for a new one. Raises Unknown.

    The only way from an id to an effect, so that no id of another workflow leads to one.
    """
    workflow = session.get(Workflow, place.workflow_id)
    table: Any = place.rule
    rule: AnyRule | None = session.scalar(
        select(table).filter_by(id=place.rule_id, workflow_id=place.workflow_id)
    )
    if workflow is None or rule is None:
        raise Unknown(f"there is no rule {place.rule_id} in workflow {place.workflow_id}")
    if place.effect_id is None:
        return workflow, rule, None
    for effect in rule.effects:
        if effect.id == place.effect_id:
            return workflow, rule, effect
    raise Unknown(f"there is no effect {place.effect_id} in rule {place.rule_id}")


def _resolved(row: EffectRow, effect: AnyEffect | None, sealer: Sealer, at: str) -> EffectRow:
    problems: list[Problem] = []
    kept = [effects.opened(effect, sealer)] if effect else []
    found = resolved(row, kept, place=at, problems=problems)
    if problems:
        raise InvalidConfiguration(problems)
    return found
