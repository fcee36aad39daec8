"""Effects in plain English."""

from collections.abc import Mapping
from string import Formatter
from typing import Any, Protocol

from caesar_web.domain.effects import ALIASES, EFFECTS
from caesar_web.domain.pieces import Piece, Pieces, named, said, valued

# What each effect does, with its options in braces.
EFFECT_WORDS = {
    "retire_subject": "retire the subject as {reason}",
    "add_subject_to_set": "add the subject to subject set {subject_set_id}",
    "add_subject_to_collection": "add the subject to collection {collection_id}",
    "external": "send the reduction of {reducer_key} to {url}",
    "external_with_basic_auth": "send the reduction of {reducer_key} to {url} as {username}",
    "promote_user": "promote the volunteer to workflow {workflow_id}",
    "set_subject_set_chances": (
        "give the volunteer subjects of subject set {subject_set_id} with a chance of {chance}"
    ),
}

# What a page calls each of them.
EFFECT_NAMES = {
    "retire_subject": "retire the subject",
    "add_subject_to_set": "add it to a subject set",
    "add_subject_to_collection": "add it to a collection",
    "external": "send it to a service",
    "external_with_basic_auth": "send it to a service with a password",
    "promote_user": "promote the volunteer",
    "set_subject_set_chances": "say how often they get a subject set",
}


class EffectLike(Protocol):
    """An effect as it is configured, as it is kept, or while somebody still writes it."""

    @property
    def action(self) -> str: ...

    @property
    def config(self) -> Mapping[str, Any]: ...


def effect_pieces(effect: EffectLike) -> Pieces:
    """What an effect does; one that is unknown or not yet complete reads too."""
    action = ALIASES.get(effect.action, effect.action)
    if action not in EFFECT_WORDS:
        return [*said("do "), *named(action)]
    defaults = {option.name: option.default for option in EFFECTS[action].options}
    pieces: Pieces = []
    for words, name, _, _ in Formatter().parse(EFFECT_WORDS[action]):
        pieces += said(words)
        if name:
            pieces += _option(name, effect.config.get(name, defaults[name]))
    return pieces


def _option(name: str, value: Any) -> Pieces:
    if value is None or value == "":
        return [Piece("…", "value")]
    return named(value) if name == "reducer_key" and isinstance(value, str) else valued(value)
