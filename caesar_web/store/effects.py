"""Saving effects: their secrets sealed, what their targets belong to, who saved them and when."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from caesar_web.domain.effects import EffectRow, Target, target_of
from caesar_web.domain.secrets import says_the_same
from caesar_web.domain.values import InvalidConfiguration, Problem
from caesar_web.store.configuration import (
    SubjectRule,
    SubjectRuleEffect,
    UserRule,
    UserRuleEffect,
    Workflow,
)
from caesar_web.store.sealing import Sealer, Unopenable

AnyRule = SubjectRule | UserRule
AnyEffect = SubjectRuleEffect | UserRuleEffect
Owner = dict[str, int]


@dataclass(frozen=True)
class Saving:
    """Who saves effects, when, and for which targets they have the permission.

    `owners` are what those targets belong to, which is where the permission comes from.
    """

    author: str
    author_id: int | None
    now: datetime
    sealer: Sealer
    owners: Mapping[Target, Owner]


def named_rules(workflow: Workflow) -> Iterator[tuple[AnyRule, str]]:
    """Each rule in its order, with what pages call it."""
    for number, rule in enumerate(workflow.subject_rules, start=1):
        yield rule, f"rule {number}"
    for number, of_users in enumerate(workflow.user_rules, start=1):
        yield of_users, f"rule {number} for volunteers"


def opened(effect: AnyEffect, sealer: Sealer) -> EffectRow:
    """The effect with its secrets, but for those that no key opens any more."""
    try:
        return EffectRow(effect.action, effect.config, sealer.open_secrets(effect.secrets))
    except Unopenable:
        return EffectRow(effect.action, effect.config)


def lacks_permission(effect: AnyEffect) -> bool:
    """Whether the effect has a target, but was saved when nobody's permission was recorded."""
    return effect.target_owner is None and target_of(effect.action, effect.config) is not None


def create(rule: AnyRule, row: EffectRow, saving: Saving, *, place: str) -> AnyEffect:
    """A new effect at the end of a rule; `row` has its secrets, without masks."""
    table = SubjectRuleEffect if isinstance(rule, SubjectRule) else UserRuleEffect
    effect = table(revision=1, created_at=saving.now)
    _write(effect, row, saving, place)
    effects: list[AnyEffect] = rule.effects  # type: ignore[assignment]  # of the rule's own kind
    effects.append(effect)
    return effect


def change(effect: AnyEffect, row: EffectRow, saving: Saving, *, place: str) -> None:
    """Saves an effect again; where it says something else it acts once more."""
    if not says_the_same(row, opened(effect, saving.sealer)):
        effect.revision += 1
    _write(effect, row, saving, place)


def permit(effect: AnyEffect, saving: Saving, *, place: str) -> None:
    """Records from where the permission to change the effect's target comes."""
    target = target_of(effect.action, effect.config)
    if target is not None and target not in saving.owners:
        message = "was not asked about, as the configuration has changed meanwhile; try again"
        raise InvalidConfiguration([Problem(f"{place}.{target.option}", message)])
    effect.target_owner = saving.owners[target] if target else None
    effect.saved_by, effect.saved_by_id = saving.author, saving.author_id
    effect.updated_at = saving.now


def _write(effect: AnyEffect, row: EffectRow, saving: Saving, place: str) -> None:
    effect.action, effect.config = row.action, row.config
    effect.secrets = saving.sealer.seal_secrets(row.secrets)
    permit(effect, saving, place=place)
