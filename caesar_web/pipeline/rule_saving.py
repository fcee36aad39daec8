"""Changing one rule: saving it with its effects, removing it, moving it among the others."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from sqlalchemy.orm import Session

from caesar_web.domain.effects import EffectRow
from caesar_web.domain.rule_parts import read_rule_parts, same_json
from caesar_web.domain.secrets import resolved, says_the_same
from caesar_web.domain.values import InvalidConfiguration, Problem
from caesar_web.pipeline.configuring import (
    Change,
    ChangedMeanwhile,
    Place,
    Unknown,
    checked_note,
    find,
    permitted,
)
from caesar_web.store import effects, transfer
from caesar_web.store.configuration import SubjectRule, Workflow
from caesar_web.store.effects import AnyEffect, AnyRule, Saving
from caesar_web.store.fingerprints import fingerprint
from caesar_web.store.part_writing import update
from caesar_web.store.sealing import Sealer


@dataclass(frozen=True)
class RuleWanted:
    """A rule as it is to be: its condition's JSON text to the letter, and its effects in order.

    With each effect stands the id of the one that it is already; None makes a new one.
    """

    condition: str
    effects: tuple[tuple[int | None, EffectRow], ...] = ()


class _Planned(NamedTuple):
    """An effect of a wanted rule: its place, what it is to be, and which one it is already."""

    place: str
    row: EffectRow
    effect: AnyEffect | None
    is_changed: bool

    @property
    def needs_permission(self) -> bool:
        return self.is_changed or (
            self.effect is not None and effects.lacks_permission(self.effect)
        )


def save_rule(
    change: Change,
    place: Place,
    wanted: RuleWanted,
    *,
    expected: str | None = None,
    note: str | None = None,
) -> int:
    """Saves a new rule, which becomes the last, or one as it will be; gives its id.

    Where its condition says something else, the effects that it keeps act once more; so does each
    that says something else itself. Effects that are not named are removed. Effects that are there
    stay in their order, and new ones follow: another order is not kept. `expected` is the
    fingerprint of the rule as its editor saw it. Raises InvalidConfiguration, PanoptesError,
    ChangedMeanwhile and Unknown, and then nothing is changed.
    """
    wanted, note = _read(wanted, place), checked_note(note)
    with change.transaction() as session:
        _, rule = _found(session, place, expected)
        planned = _plan(rule, wanted, change.sealer)
        asked = [(one.place, one.row) for one in planned if one.needs_permission]
    saving = permitted(change, asked)
    with _changing(change, place, note=note) as (session, workflow):
        _, rule = _found(session, place, expected)
        planned = _plan(rule, wanted, change.sealer)
        if rule is None:
            rule = _appended(place.rule, workflow, wanted.condition, saving)
            is_reworded = False
        else:
            is_reworded = _reworded(rule, wanted.condition, saving)
        _save_effects(rule, planned, saving, is_reworded=is_reworded)
        session.flush()
        return rule.id


def remove_rule(change: Change, place: Place) -> None:
    """Removes a rule; what it has decided before is still performed. Raises Unknown."""
    with _changing(change, place) as (session, workflow):
        _, removed, _ = find(session, place)
        rules = _rules(workflow, place.rule)
        _put(workflow, place.rule, [rule for rule in rules if rule is not removed])


def move_rule(change: Change, place: Place, step: Literal[-1, 1]) -> None:
    """Moves a rule before the one above it (-1), or behind the one below it (1). Raises Unknown."""
    with _changing(change, place) as (session, workflow):
        _, moved, _ = find(session, place)
        rules = _rules(workflow, place.rule)
        at = rules.index(moved)
        if not 0 <= at + step < len(rules):
            raise Unknown(f"there is no rule beyond rule {place.rule_id}")
        rules[at], rules[at + step] = rules[at + step], rules[at]
        _put(workflow, place.rule, rules)
        for order, rule in enumerate(rules):
            update(rule, change.now, {"row_order": order})


@contextmanager
def _changing(
    change: Change, place: Place, *, note: str | None = None
) -> Iterator[tuple[Session, Workflow]]:
    """What changes within is one revision of the workflow. Raises Unknown."""
    with change.transaction() as session:
        workflow, _ = _found(session, place, None)
        with transfer.changing(
            session, workflow, author=change.author.name, now=change.now, note=note
        ):
            yield session, workflow


def _found(session: Session, place: Place, expected: str | None) -> tuple[Workflow, AnyRule | None]:
    """The workflow, and the rule if it is not a new one. Raises Unknown and ChangedMeanwhile."""
    if place.rule_id is None:
        workflow = session.get(Workflow, place.workflow_id)
        if workflow is None:
            raise Unknown(f"there is no workflow {place.workflow_id} here")
        return workflow, None
    workflow, rule, _ = find(session, place._replace(effect_id=None))
    if expected is not None and fingerprint(rule) != expected:
        raise ChangedMeanwhile("the rule was changed meanwhile")
    return workflow, rule


def _read(wanted: RuleWanted, place: Place) -> RuleWanted:
    topic = "subject" if place.rule is SubjectRule else "user"
    rows = [row for _, row in wanted.effects]
    read = read_rule_parts(wanted.condition, rows, topic=topic)
    ids = (id for id, _ in wanted.effects)
    return replace(wanted, effects=tuple(zip(ids, read.effects, strict=True)))


def _plan(rule: AnyRule | None, wanted: RuleWanted, sealer: Sealer) -> list[_Planned]:
    """Raises Unknown, and InvalidConfiguration where a mask stands for nothing that is kept."""
    there: dict[int, AnyEffect] = {one.id: one for one in rule.effects} if rule else {}
    problems: list[Problem] = []
    planned = []
    for at, (effect_id, row) in enumerate(wanted.effects):
        place = f"then[{at}]"
        effect = None if effect_id is None else there.pop(effect_id, None)
        if effect is None and effect_id is not None:
            raise Unknown(f"there is no effect {effect_id} in this rule, or it is named twice")
        kept = None if effect is None else effects.opened(effect, sealer)
        if kept is not None and says_the_same(row, kept):
            planned.append(_Planned(place, kept, effect, is_changed=False))
            continue
        known = [] if kept is None else [kept]
        found = resolved(row, known, place=place, problems=problems)
        planned.append(_Planned(place, found, effect, is_changed=True))
    if problems:
        raise InvalidConfiguration(problems)
    return planned


def _appended(
    table: Callable[..., AnyRule], workflow: Workflow, condition: str, saving: Saving
) -> AnyRule:
    rules = _rules(workflow, table)
    order = max((rule.row_order for rule in rules), default=-1) + 1
    rule = table(condition=condition, row_order=order, created_at=saving.now, updated_at=saving.now)
    _put(workflow, table, [*rules, rule])
    return rule


def _reworded(rule: AnyRule, condition: str, saving: Saving) -> bool:
    """Gives the rule a condition that says something else; whether it does."""
    if same_json(rule.condition, condition):
        return False
    update(rule, saving.now, {"condition": condition})
    return True


def _save_effects(
    rule: AnyRule, planned: Sequence[_Planned], saving: Saving, *, is_reworded: bool
) -> None:
    kept = {one.effect for one in planned}
    remaining: Sequence[AnyEffect] = [one for one in rule.effects if one in kept]
    rule.effects = remaining  # type: ignore[assignment]  # of the rule's own kind
    for place, row, effect, is_changed in planned:
        if effect is None:
            effects.create(rule, row, saving, place=place)
        elif is_changed:
            effects.change(effect, row, saving, place=place)
        elif effects.lacks_permission(effect):
            effects.permit(effect, saving, place=place)
        if effect is not None and is_reworded and not is_changed:
            effect.revision += 1
            effect.updated_at = saving.now


def _rules(workflow: Workflow, table: Any) -> list[AnyRule]:
    return list(workflow.subject_rules if table is SubjectRule else workflow.user_rules)


def _put(workflow: Workflow, table: Any, rules: Sequence[AnyRule]) -> None:
    """Also in memory the rules are in their order, which is what revisions show."""
    setattr(workflow, "subject_rules" if table is SubjectRule else "user_rules", rules)
