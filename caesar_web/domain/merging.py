"""Merging: adds to a workflow's configuration without touching what is there."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from caesar_web.domain.documents import (
    Document,
    ExtractorRow,
    ReducerRow,
    RuleRow,
    read_document,
)
from caesar_web.domain.extractors import EXTRACTORS
from caesar_web.domain.filters import read_filters
from caesar_web.domain.grouping import read_grouping
from caesar_web.domain.options import Option, read_options
from caesar_web.domain.reducers import REDUCERS
from caesar_web.domain.renaming import Members, Names, renamed
from caesar_web.domain.values import same

_KEYED = ("extractors_config", "reducers_config")
_RULES = ("rules_config", "user_rules_config")


@dataclass(frozen=True)
class Merged:
    """What merging came to; `added` and `already_there` are documents of their own.

    `extractors` and `reducers` are the additions that have another key now, by their old one.
    `widened` are reducers that look at all extractors, and so at the added ones from now on.
    """

    document: dict[str, Any]
    added: dict[str, Any]
    already_there: dict[str, Any]
    extractors: Names
    reducers: Names
    widened: tuple[str, ...]


class _Meaning(NamedTuple):
    """All that a reducer does by itself, and the reducers whose reductions it carries along."""

    own: Any
    carried: tuple[list[str], list[str]]


def merged(current: Members, additions: Members) -> Merged:
    """A configuration with what is added; the settings are those that it has.

    What is equal to what it has is not added again; what differs gets another key, and what is
    added follows. Raises InvalidConfiguration where either cannot be read.
    """
    before, given = read_document(current), read_document(additions)
    extractors = _extractor_names(given.extractors or [], before.extractors or [])
    additions = renamed(additions, extractors=extractors)
    reducers = _reducer_names(read_document(additions).reducers or [], before.reducers or [])
    additions = renamed(additions, reducers=reducers)
    parts = {name: _split_keyed(name, current, additions) for name in _KEYED}
    given = read_document(additions)
    parts |= {name: _split_rules(name, before, given, additions) for name in _RULES}
    added = {name: new for name, (new, _) in parts.items() if new}
    wide = [row.key for row in before.reducers or [] if _looks_at_all(row)]
    return Merged(
        {**current, **{name: joined(current.get(name), new) for name, new in added.items()}},
        added,
        {name: known for name, (_, known) in parts.items() if known},
        {old: new for old, new in extractors.items() if old != new},
        {old: new for old, new in reducers.items() if old != new},
        tuple(wide if "extractors_config" in added else ()),
    )


def _extractor_names(given: Iterable[ExtractorRow], kept: Iterable[ExtractorRow]) -> Names:
    additions, present = ({row.key: _extraction(row) for row in rows} for rows in (given, kept))
    return _names(
        additions,
        present,
        are_equal=lambda one, other: additions[one] == present[other],
        by_key_alone=(),
    )


def _reducer_names(given: Iterable[ReducerRow], kept: Iterable[ReducerRow]) -> Names:
    given = list(given)
    additions, present = ({row.key: _reduction(row) for row in rows} for rows in (given, kept))
    return _names(
        additions,
        present,
        are_equal=lambda one, other: _are_equal(one, other, additions, present),
        # What comes from outside comes under its key: two of a kind are not the same.
        by_key_alone=[row.key for row in given if REDUCERS[row.type].is_pushed],
    )


def _names(
    additions: Collection[str],
    present: Collection[str],
    *,
    are_equal: Callable[[str, str], bool],
    by_key_alone: Collection[str],
) -> Names:
    """The key of each addition: that of an equal one, or else one that nothing has yet."""
    names: dict[str, str] = {}
    for key in additions:
        numbered, free = _numbered(key, present, {*additions, *names.values()} - {key})
        known = [*numbered, *([] if key in by_key_alone else present)]
        names[key] = next((one for one in known if are_equal(key, one)), free)
    return names


def _numbered(key: str, present: Collection[str], taken: Collection[str]) -> tuple[list[str], str]:
    """The key and those made of it that are present, and the first of them that is free."""
    candidate, known = key, []
    for number in range(2, len(present) + len(taken) + 3):
        if candidate in present:
            known.append(candidate)
        elif candidate not in taken:
            break
        candidate = f"{key[:190]}_{number}"
    return known, candidate


def _extraction(row: ExtractorRow) -> Any:
    return row.type, row.minimum_workflow_version, _read(EXTRACTORS[row.type].options, row.config)


def _reduction(row: ReducerRow) -> _Meaning:
    filters = read_filters(row.filters, place="", problems=[])
    return _Meaning(
        (
            (row.type, row.topic, row.reduction_mode),
            replace(filters, extractor_keys=tuple(sorted(set(filters.extractor_keys)))),
            read_grouping(row.grouping, place="", problems=[]),
            _read(REDUCERS[row.type].options, row.config),
        ),
        (row.user_reducer_keys or [], row.subject_reducer_keys or []),
    )


def _are_equal(
    one: str, other: str, additions: Mapping[str, _Meaning], present: Mapping[str, _Meaning]
) -> bool:
    """Whether an addition does what a present one does, and so do those that they carry along.

    Those of subjects and of users may carry each other along, so each pair is looked at once.
    """
    waiting, seen = [(one, other)], set()
    while waiting:
        pair = waiting.pop()
        added, kept = additions.get(pair[0]), present.get(pair[1])
        if pair in seen:
            continue
        seen.add(pair)
        if added is None or kept is None:
            if pair[0] != pair[1]:
                return False
            continue
        carried = list(zip(added.carried, kept.carried, strict=True))
        if added.own != kept.own or any(len(left) != len(right) for left, right in carried):
            return False
        waiting += [keys for lists in carried for keys in zip(*lists, strict=True)]
    return True


def _read(options: Iterable[Option], config: Members) -> Any:
    return read_options(tuple(options), config, place="", problems=[])


def _split_keyed(name: str, current: Members, additions: Members) -> Any:
    """What is new, and what is already there."""
    present, given = current.get(name) or {}, additions.get(name) or {}
    new = {key: entry for key, entry in given.items() if key not in present}
    return new, {key: entry for key, entry in given.items() if key in present}


def _split_rules(name: str, current: Document, given: Document, additions: Members) -> Any:
    attribute = "subject_rules" if name == "rules_config" else "user_rules"
    rows: list[RuleRow] = list(getattr(current, attribute) or [])
    new: list[Any] = []
    known: list[Any] = []
    for row, rule in zip(getattr(given, attribute) or [], additions.get(name) or [], strict=True):
        is_known = any(_same_rule(row, other) for other in rows)
        (known if is_known else new).append(rule)
        rows.append(row)
    return new, known


def _same_rule(one: RuleRow, other: RuleRow) -> bool:
    """Without regard to secrets, which a configuration does not show."""
    effects = [[[effect.action, effect.config] for effect in row.effects] for row in (one, other)]
    return same(one.condition, other.condition) and effects[0] == effects[1]


def joined(present: Any, new: Any) -> Any:
    """A member of a document with more in it."""
    return [*(present or []), *new] if isinstance(new, list) else {**(present or {}), **new}


def _looks_at_all(row: ReducerRow) -> bool:
    filters = read_filters(row.filters, place="", problems=[])
    return not (filters.extractor_keys or REDUCERS[row.type].is_pushed)
