"""Actions as pages show them: in words, with links to what they are about."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import url_for
from sqlalchemy.orm import Session

from caesar_web.domain.effect_reading import effect_pieces
from caesar_web.domain.effects import EffectRow
from caesar_web.domain.pieces import sentence
from caesar_web.store import action_pages
from caesar_web.store.action_pages import Act, RuleOf

TARGETS = {"subjects": "subject", "users": "volunteer"}
_PAGES = {"subjects": ("subjects.show", "subject_id"), "users": ("users.show", "user_id")}


@dataclass(frozen=True)
class ActShown:
    """An action in words, with the addresses of what it is about; None where the rule is gone."""

    act: Act
    words: str
    target: str
    target_address: str
    rule: str | None
    rule_address: str | None
    address: str


def shown(session: Session, workflow_id: int, acts: Iterable[Act]) -> list[ActShown]:
    """The actions as pages show them."""
    numbers = action_pages.rule_numbers(session, workflow_id)
    return [_shown(act, workflow_id, numbers) for act in acts]


def in_words(effect_type: str, config: Mapping[str, object]) -> str:
    """What an effect does."""
    return sentence(effect_pieces(EffectRow(effect_type, dict(config))))


def rule_name(rule: RuleOf, number: int) -> str:
    """What a rule is called."""
    return f"rule {number}" if rule[0] == "subjects" else f"rule {number} for volunteers"


def _shown(act: Act, workflow_id: int, numbers: Mapping[RuleOf, int]) -> ActShown:
    endpoint, name = _PAGES[act.of]
    number = numbers.get((act.of, act.rule_id))
    kind = f"{act.of.removesuffix('s')}_rules"
    target_place: dict[str, Any] = {"workflow_id": workflow_id, name: act.target_id}
    rule_place: dict[str, Any] = {"workflow_id": workflow_id, "kind": kind, "rule_id": act.rule_id}
    return ActShown(
        act,
        in_words(act.effect_type, act.config),
        f"{TARGETS[act.of]} {act.target_id}",
        url_for(endpoint, **target_place),
        None if number is None else rule_name((act.of, act.rule_id), number),
        None if number is None else url_for("rules.edit", **rule_place),
        url_for("activity.show", workflow_id=workflow_id, of=act.of, action_id=act.id),
    )
