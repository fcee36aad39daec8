"""Effects as the page of a rule shows them: what each takes, and what it may point at."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from caesar_web.access import choices, membership
from caesar_web.access.choices import Choices
from caesar_web.domain.effect_reading import EFFECT_NAMES
from caesar_web.domain.effects import EFFECTS
from caesar_web.domain.options import Option
from caesar_web.web.rule_draft import EffectDraft

Offered = Mapping[str, Choices]  # by the options that they are for


class EffectField(NamedTuple):
    """One option of an effect: `by_id` where an id that is not among the choices may be typed."""

    name: str
    label: str
    value: str
    help: str
    choices: Sequence[tuple[str, str]]
    by_id: bool
    is_secret: bool
    problem: str | None


class EffectView(NamedTuple):
    id: int | None
    action: str
    fields: list[EffectField]


def offered(effects: Iterable[EffectDraft], *, project_id: int) -> Offered:
    """What the effects' options can be chosen from; asks Panoptes, so outside any transaction."""
    needed = {option.name for one in effects for option in _options(one.action)}
    own = membership.projects()
    projects = [project_id] if own is None else own
    asked: dict[str, Callable[[], Choices]] = {
        "subject_set_id": lambda: choices.subject_sets(projects),
        "collection_id": choices.collections,
        "workflow_id": lambda: choices.workflows(projects),
    }
    return {name: ask() for name, ask in asked.items() if name in needed}


def actions(topic: str) -> list[tuple[str, str]]:
    """The effects that a rule of this topic can have, with their names."""
    return [(name, EFFECT_NAMES[name]) for name, one in EFFECTS.items() if one.topic == topic]


def shown(
    effects: Sequence[EffectDraft], found: Offered, reducer_keys: Sequence[str]
) -> list[EffectView]:
    """The effects with their fields."""
    return [_effect(one, at, found, reducer_keys) for at, one in enumerate(effects)]


def _options(action: str) -> Iterable[Option]:
    return EFFECTS[action].options if action in EFFECTS else ()


def _effect(effect: EffectDraft, at: int, found: Offered, keys: Sequence[str]) -> EffectView:
    fields = []
    for option in _options(effect.action):
        value = effect.values.get(option.name, "") or str(option.default or "")
        offered, by_id, help = _choices(option, value, found, keys)
        fields.append(
            EffectField(
                f"effect-{at}-{option.name}",
                option.label or option.name.replace("_", " ").capitalize(),
                value,
                help,
                offered,
                by_id,
                option.kind == "secret",
                effect.problems.get(option.name),
            )
        )
    return EffectView(effect.id, effect.action, fields)


def _choices(
    option: Option, value: str, found: Offered, keys: Sequence[str]
) -> tuple[list[tuple[str, str]], bool, str]:
    """The choices of an option with their words, whether an id may be typed too, and its help."""
    if option.name in found:
        given = found[option.name]
        if given.problem:
            return [], False, given.problem
        rows = [(str(one.id), f"{one.name} ({one.where})") for one in given.options]
        if value and value not in dict(rows):
            rows.insert(0, (value, f"{value} (not among those that you may pick)"))
        return [("", "Choose one"), *rows], True, option.help
    if option.name == "reducer_key" and keys:
        rows = [(key, key) for key in keys]
        return rows if value in keys or not value else [(value, value), *rows], False, option.help
    return [(one, words) for one, words in option.choices.items()], False, option.help
