"""Effects as data: what each one needs, and which acts once for a target."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from caesar_web.domain.options import (
    Option,
    Unreadable,
    choice,
    https_url,
    read_options,
    text,
    whole_number,
)
from caesar_web.domain.values import Problem

RETIREMENT_REASONS = (
    "classification_count",
    "flagged",
    "nothing_here",
    "blank",
    "consensus",
    "other",
    "human",
)
ALIASES = {
    "add_to_subject_set": "add_subject_to_set",
    "add_to_collection": "add_subject_to_collection",
    "external_effect": "external",
}


@dataclass(frozen=True)
class EffectType:
    """One row of the table of effects.

    `topic` is what it acts on. `once`: for a target and revision it acts a single time; the others
    act at every match, because their receivers want every update.
    """

    topic: str
    options: tuple[Option, ...]
    once: bool = True


@dataclass(frozen=True)
class Effect:
    """A configured effect; editing it or its rule makes a new revision."""

    id: int
    revision: int
    action: str
    config: Mapping[str, Any]

    @property
    def type(self) -> EffectType:
        return EFFECTS[self.action]


def read_effect(
    action: Any, config: Any, *, topic: str, place: str, problems: list[Problem]
) -> tuple[str, dict[str, Any]]:
    """The action by its own name and its config; what is wrong is added to `problems`."""
    name = ALIASES.get(action, action) if isinstance(action, str) else ""
    known = [name for name, effect in EFFECTS.items() if effect.topic == topic]
    if name not in known:
        message = f"{action!r:.60} is no effect of a {topic} rule; known: {', '.join(known)}"
        problems.append(Problem(f"{place}.action", message))
        return "", {}
    values = read_options(EFFECTS[name].options, config, place=place, problems=problems)
    return name, {key: value for key, value in values.items() if value is not None}


def panoptes_id(value: Any) -> int:
    """An id of Panoptes: a positive number of 63 bits, also as text."""
    try:
        number = whole_number(value)
    except Unreadable:
        raise Unreadable("must be an id (a whole number)") from None
    if not 0 < number < 2**63:
        raise Unreadable("must be an id (a positive number)")
    return number


_EXTERNAL = (
    Option("url", https_url, required=True),
    Option("reducer_key", text, required=True),
)

EFFECTS: dict[str, EffectType] = {
    "retire_subject": EffectType(
        "subject", (Option("reason", choice(*RETIREMENT_REASONS), default="other"),)
    ),
    "add_subject_to_set": EffectType(
        "subject", (Option("subject_set_id", panoptes_id, required=True),)
    ),
    "add_subject_to_collection": EffectType(
        "subject", (Option("collection_id", panoptes_id, required=True),)
    ),
    "external": EffectType("subject", _EXTERNAL, once=False),
    "external_with_basic_auth": EffectType(
        "subject",
        (*_EXTERNAL, Option("username", text, required=True), Option("password", text)),
        once=False,
    ),
    "promote_user": EffectType("user", (Option("workflow_id", panoptes_id, required=True),)),
}
