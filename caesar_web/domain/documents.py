"""A workflow's configuration as one JSON document: what is in it, and what is wrong with it.

`extractors_config`, `reducers_config` and `rules_config` are the forms that scripts have always
sent; the other members say what those cannot. A member that is absent is left as it is.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from caesar_web.domain.conditions import InvalidCondition, parse
from caesar_web.domain.effects import EffectRow, read_effect_row
from caesar_web.domain.extractors import EXTRACTORS, read_extractor_options
from caesar_web.domain.filters import read_filters
from caesar_web.domain.grouping import read_grouping
from caesar_web.domain.keys import is_key, no_key
from caesar_web.domain.options import Reader, Unreadable, choice, concealed, read_options, switch
from caesar_web.domain.reducer_options import COMMON_OPTIONS
from caesar_web.domain.reducers import REDUCERS, read_reducer_options
from caesar_web.domain.rules import RULES_APPLIED
from caesar_web.domain.values import InvalidConfiguration, Problem, Unstorable, check_storable

WORKFLOW_STATUSES = PART_STATUSES = ("active", "paused", "halted")
SETTINGS: dict[str, Reader] = {
    "status": choice(*WORKFLOW_STATUSES),
    "rules_applied": choice(*RULES_APPLIED),
    "public_extracts": switch,
    "public_reductions": switch,
}

_VERSION = re.compile(r"\d{1,9}(\.\d{1,9})*", re.ASCII)
_RESERVED = "this key is kept for subject metadata"

Part = TypeVar("Part")


@dataclass(frozen=True)
class ExtractorRow:
    """An extractor as somebody writes it; see `EffectRow` for its secrets."""

    key: str
    type: str
    config: dict[str, Any]
    minimum_workflow_version: str | None
    status: str = "active"
    secrets: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class ReducerRow:
    """A reducer as somebody writes it; see `EffectRow` for its secrets."""

    key: str
    type: str
    config: dict[str, Any]
    topic: str
    reduction_mode: str
    filters: dict[str, Any]
    grouping: dict[str, Any]
    user_reducer_keys: list[str] | None
    subject_reducer_keys: list[str] | None
    status: str = "active"
    secrets: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class RuleRow:
    condition: list[Any]
    effects: tuple[EffectRow, ...]
    status: str = "active"


@dataclass(frozen=True)
class Document:
    """What a document asks for; None where it does not speak of something."""

    settings: dict[str, Any] = field(default_factory=dict)
    extractors: list[ExtractorRow] | None = None
    reducers: list[ReducerRow] | None = None
    subject_rules: list[RuleRow] | None = None
    user_rules: list[RuleRow] | None = None


def read_document(document: Any) -> Document:
    """Reads and checks a whole document. Raises InvalidConfiguration with every problem."""
    problems: list[Problem] = []
    if not isinstance(document, Mapping):
        raise InvalidConfiguration([Problem("", "the document must be an object")])
    try:
        check_storable(document)
    except Unstorable as problem:
        raise InvalidConfiguration([Problem("", str(problem))]) from None
    for name in document:
        if name not in MEMBERS:
            problems.append(Problem(name, f"no such member; known: {', '.join(MEMBERS)}"))
    members = {
        attribute: read(document[name], name, problems)
        for name, (attribute, read) in _MEMBERS.items()
        if document.get(name) is not None
    }
    settings = {name: document[name] for name in SETTINGS if document.get(name) is not None}
    for name, value in settings.items():
        settings[name] = _checked(SETTINGS[name], value, name, problems)
    if problems:
        raise InvalidConfiguration(problems)
    return Document(settings, **members)


def read_extractor(key: str, entry: Any, *, known: str | None = None) -> ExtractorRow:
    """One extractor; it may keep a `known` key. Raises InvalidConfiguration, with places in it."""
    return _alone(_extractor, key, entry, known)


def read_reducer(key: str, entry: Any, *, known: str | None = None) -> ReducerRow:
    """One reducer; it may keep a `known` key. Raises InvalidConfiguration, with places in it."""
    if key == "subject":
        raise InvalidConfiguration([Problem("key", _RESERVED)])
    return _alone(_reducer, key, entry, known)


def _alone(
    read: Callable[[str, dict[str, Any], str, list[Problem]], Part | None],
    key: str,
    entry: Any,
    known: str | None,
) -> Part:
    if not isinstance(entry, Mapping):
        raise InvalidConfiguration([Problem("", "must be an object")])
    try:
        check_storable(entry)
    except Unstorable as problem:
        raise InvalidConfiguration([Problem("", str(problem))]) from None
    problems = [] if key == known or is_key(key) else [Problem(".key", no_key(key))]
    row = read(key, dict(entry), "", problems)
    if row is None or problems:
        raise InvalidConfiguration(Problem(place[1:], message) for place, message in problems)
    return row


def _extractors(given: Any, place: str, problems: list[Problem]) -> list[ExtractorRow]:
    return [
        row
        for key, entry in _keyed(given, place, problems)
        if (row := _extractor(key, dict(entry), f"{place}.{key}", problems))
    ]


def _extractor(
    key: str, entry: dict[str, Any], place: str, problems: list[Problem]
) -> ExtractorRow | None:
    type_name = _type(entry, EXTRACTORS, place, problems)
    status = _status(entry.pop("status", None), place, problems)
    version = entry.pop("minimum_version", None)
    if version in (None, ""):
        version = entry.pop("minimum_workflow_version", None)
    if version in (None, ""):
        version = None
    elif not _VERSION.fullmatch(str(version)):
        problems.append(Problem(f"{place}.minimum_version", 'must be a version such as "12.10"'))
    if type_name is None:
        return None
    read = read_extractor_options(type_name, entry, place=place, problems=problems)
    config, secrets = concealed(EXTRACTORS[type_name].options, entry, read)
    version = None if version is None else str(version)
    return ExtractorRow(key, type_name, config, version, status, secrets)


def _reducers(given: Any, place: str, problems: list[Problem]) -> list[ReducerRow]:
    rows = []
    for key, entry in _keyed(given, place, problems):
        if key == "subject":
            problems.append(Problem(f"{place}.subject", _RESERVED))
        elif row := _reducer(key, dict(entry), f"{place}.{key}", problems):
            rows.append(row)
    return rows


def _reducer(
    key: str, entry: dict[str, Any], place: str, problems: list[Problem]
) -> ReducerRow | None:
    type_name = _type(entry, REDUCERS, place, problems)
    status = _status(entry.pop("status", None), place, problems)
    common = {option.name: entry.pop(option.name, None) for option in COMMON_OPTIONS}
    only = REDUCERS[type_name].topic if type_name else None
    common["topic"] = common["topic"] or only
    values = read_options(COMMON_OPTIONS, common, place=place, problems=problems)
    filters = read_filters(common["filters"], place=f"{place}.filters", problems=problems)
    read_grouping(common["grouping"], place=f"{place}.grouping", problems=problems)
    if values["reduction_mode"] == "running_reduction" and filters != filters.without_order():
        message = "from, to and keep_last make no sense in running mode"
        problems.append(Problem(f"{place}.filters", message))
    if type_name is None:
        return None
    running = values["reduction_mode"] == "running_reduction"
    own = read_reducer_options(type_name, entry, is_running=running, place=place, problems=problems)
    if only and values["topic"] != only:
        problems.append(Problem(f"{place}.topic", f"must be {only} for {type_name}"))
    if own and REDUCERS[type_name].weighs(own) and not values["user_reducer_keys"]:
        message = "must be given, as it looks at the reductions of volunteers"
        problems.append(Problem(f"{place}.user_reducer_keys", message))
    config, secrets = concealed(REDUCERS[type_name].options, entry, own)
    return ReducerRow(key, type_name, config, **values, status=status, secrets=secrets)


def _rules(topic: str) -> Callable[[Any, str, list[Problem]], list[RuleRow]]:
    def read(given: Any, place: str, problems: list[Problem]) -> list[RuleRow]:
        return [
            row
            for at, entry in enumerate(_list(given, place, problems))
            if (row := _rule(entry, topic, f"{place}[{at}]", problems))
        ]

    return read


def _rule(entry: Any, topic: str, place: str, problems: list[Problem]) -> RuleRow | None:
    if not isinstance(entry, Mapping) or not {"if"} <= entry.keys() <= {"if", "then", "status"}:
        problems.append(Problem(place, 'must be an object {"if": condition, "then": [effects]}'))
        return None
    check_condition(entry["if"], f"{place}.if", problems)
    effects = _list(entry.get("then", []), f"{place}.then", problems)
    rows = [
        _effect(effect, topic, f"{place}.then[{at}]", problems) for at, effect in enumerate(effects)
    ]
    return RuleRow(entry["if"], tuple(rows), _status(entry.get("status"), place, problems))


def check_condition(condition: Any, place: str, problems: list[Problem]) -> None:
    """Adds to `problems` why this is no condition, if so, with the place in its JSON."""
    try:
        parse(condition)
    except InvalidCondition as problem:
        where = "".join(f"[{index}]" for index in problem.path)
        problems.append(Problem(f"{place}{where}", problem.message))


def _effect(entry: Any, topic: str, place: str, problems: list[Problem]) -> EffectRow:
    if not isinstance(entry, Mapping):
        problems.append(Problem(place, "must be an object with an action"))
        return EffectRow("", {})
    config = {name: value for name, value in entry.items() if name != "action"}
    return read_effect_row(entry.get("action"), config, topic=topic, place=place, problems=problems)


def _keyed(
    given: Any, place: str, problems: list[Problem]
) -> Iterable[tuple[str, Mapping[str, Any]]]:
    if not isinstance(given, Mapping):
        problems.append(Problem(place, "must be an object of keys"))
        return
    for key, entry in given.items():
        if not is_key(key):
            problems.append(Problem(place, no_key(key)))
        elif not isinstance(entry, Mapping):
            problems.append(Problem(f"{place}.{key}", "must be an object"))
        else:
            yield key, entry


def _list(given: Any, place: str, problems: list[Problem]) -> list[Any]:
    if isinstance(given, list):
        return given
    problems.append(Problem(place, "must be a list"))
    return []


def _type(
    entry: dict[str, Any], known: Mapping[str, Any], place: str, problems: list[Problem]
) -> str | None:
    name = entry.pop("type", None)
    if isinstance(name, str) and name in known:
        return name
    message = f"unknown type {name!r:.60}; known: {', '.join(known)}"
    problems.append(Problem(f"{place}.type", message))
    return None


def _status(value: Any, place: str, problems: list[Problem]) -> str:
    """The state of a part; a document says all of it, so without a word it is active."""
    if value is None:
        return "active"
    return str(_checked(choice(*PART_STATUSES), value, f"{place}.status", problems))


def _checked(read: Reader, value: Any, place: str, problems: list[Problem]) -> Any:
    try:
        return read(value)
    except Unreadable as problem:
        problems.append(Problem(place, str(problem)))
        return None


_MEMBERS: dict[str, tuple[str, Callable[[Any, str, list[Problem]], Any]]] = {
    "extractors_config": ("extractors", _extractors),
    "reducers_config": ("reducers", _reducers),
    "rules_config": ("subject_rules", _rules("subject")),
    "user_rules_config": ("user_rules", _rules("user")),
}
MEMBERS = (*SETTINGS, *_MEMBERS)
