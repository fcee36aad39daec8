"""Effects as data: what each one needs, and which acts once for a target."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from caesar_web.domain.options import (
    Option,
    Unreadable,
    choice,
    concealed,
    https_url,
    number,
    read_options,
    text,
    userinfo,
    whole,
    whole_number,
    within,
)
from caesar_web.domain.service_options import SECRET
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
    act at every match, because their receivers want every update. `target` is the option that says
    which part of Panoptes it changes, where that need not be the workflow's own.
    """

    topic: str
    options: tuple[Option, ...]
    once: bool = True
    target: str | None = None


@dataclass(frozen=True)
class EffectRow:
    """An effect as somebody writes it, with the mask in `config` in place of its `secrets`.

    A secret that is itself the mask stands for the one that is kept.
    """

    action: str
    config: dict[str, Any]
    secrets: dict[str, str] = field(default_factory=dict, repr=False)


class Target(NamedTuple):
    """What an effect changes in Panoptes: the option that names it, and its id."""

    option: str
    id: int


@dataclass(frozen=True)
class Effect:
    """A configured effect; editing it or its rule makes a new revision.

    Its `secrets` are sealed, as they are only needed where it is performed.
    """

    id: int
    revision: int
    action: str
    config: Mapping[str, Any]
    secrets: str | None = None
    target_owner: Mapping[str, Any] | None = None

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


def read_effect_row(
    action: Any, config: Any, *, topic: str, place: str, problems: list[Problem]
) -> EffectRow:
    """The effect with its secrets taken out of its config; where `problems` are added, in part."""
    name, values = read_effect(action, config, topic=topic, place=place, problems=problems)
    return EffectRow(name, *concealed(EFFECTS[name].options if name else (), values, values))


def target_of(action: str, config: Mapping[str, Any]) -> Target | None:
    """What the effect changes, where it takes somebody's permission to change it."""
    option = EFFECTS[action].target if action in EFFECTS else None
    return Target(option, config[option]) if option and option in config else None


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
    Option(
        "url",
        https_url,
        required=True,
        hide=userinfo,
        kind="url",
        label="Address",
        help="An https address, which gets the reduction as JSON.",
    ),
    Option("reducer_key", text, required=True, label="Reduction", help="The one that is sent."),
)

EFFECTS: dict[str, EffectType] = {
    "retire_subject": EffectType(
        "subject",
        (
            Option(
                "reason",
                choice(*RETIREMENT_REASONS),
                default="other",
                kind="choice",
                label="Reason",
                help="What Zooniverse says of the subject.",
                choices={one: one.replace("_", " ") for one in RETIREMENT_REASONS},
            ),
        ),
    ),
    "add_subject_to_set": EffectType(
        "subject",
        (Option("subject_set_id", panoptes_id, required=True, label="Subject set"),),
        target="subject_set_id",
    ),
    "add_subject_to_collection": EffectType(
        "subject",
        (Option("collection_id", panoptes_id, required=True, label="Collection"),),
        target="collection_id",
    ),
    "external": EffectType("subject", (*_EXTERNAL, SECRET), once=False),
    "external_with_basic_auth": EffectType(
        "subject",
        (
            *_EXTERNAL,
            Option("username", text, required=True, label="User name"),
            Option(
                "password",
                text,
                hide=whole,
                kind="secret",
                label="Password",
                help="Kept encrypted, and shown to nobody again.",
            ),
            SECRET,
        ),
        once=False,
    ),
    "promote_user": EffectType(
        "user",
        (Option("workflow_id", panoptes_id, required=True, label="Workflow"),),
        target="workflow_id",
    ),
    "set_subject_set_chances": EffectType(
        "user",
        (
            Option("subject_set_id", panoptes_id, required=True, label="Subject set"),
            Option(
                "chance",
                within(number, least=0, most=1),
                required=True,
                kind="number",
                label="Chance",
                help="How often they get its subjects in this workflow, from 0 to 1.",
            ),
        ),
        target="subject_set_id",
    ),
}
