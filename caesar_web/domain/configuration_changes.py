"""What changed between two configuration documents, in plain English."""

import json
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any

from caesar_web.domain.conditions import InvalidCondition, parse
from caesar_web.domain.effects import EffectRow
from caesar_web.domain.reading import read_rule

_PARTS = {"extractors_config": "extractor", "reducers_config": "reducer"}
_RULES = {"rules_config": "rule {}", "user_rules_config": "rule {} for volunteers"}
_KNOWN = {*_PARTS, *_RULES}

Document = Mapping[str, Any]


def changes(before: Document, after: Document) -> list[str]:
    """Each change as a sentence, settings first; none where both documents say the same."""
    found: list[str] = []
    for name in sorted((before.keys() | after.keys()) - _KNOWN):
        if _text(before.get(name)) != _text(after.get(name)):
            found.append(f"settings: {_became(name, before, after)}")
    for name, kind in _PARTS.items():
        found += _parts(kind, before.get(name) or {}, after.get(name) or {})
    for name, kind in _RULES.items():
        found += _rules(kind, before.get(name) or [], after.get(name) or [])
    return found


def _parts(kind: str, before: Document, after: Document) -> Iterator[str]:
    """Extractors or reducers; one that has another key and is otherwise the same is renamed."""
    removed = {key: _text(entry) for key, entry in before.items() if key not in after}
    for key, entry in after.items():
        if key in before:
            yield from _options(f"{kind} {key}", before[key], entry)
            continue
        old = next((old for old, text in removed.items() if text == _text(entry)), None)
        if old is None:
            yield f"{kind} {key} added{_held(entry)} ({_words(entry.get('type'))})"
        else:
            del removed[old]
            yield f"{kind} {old} renamed to {key}"
    for key in removed:
        yield f"{kind} {key} removed"


def _options(subject: str, before: Document, after: Document) -> Iterator[str]:
    """What became of the options of an extractor or reducer; those of filters one by one."""
    for name in [*before, *(name for name in after if name not in before)]:
        old, new = before.get(name), after.get(name)
        if _text(old) == _text(new):
            continue
        if name == "status":
            yield f"{subject} {_moved(_state(before), _state(after))}"
        elif name in ("filters", "grouping"):
            yield from _options(subject, old or {}, new or {})
        else:
            yield f"{subject}: {_became(name, before, after)}"


def _rules(name: str, before: list[Any], after: list[Any]) -> Iterator[str]:
    """Rules by their places in each list, counted from 1."""
    old, new = ([_text(_stateless(rule)) for rule in rules] for rules in (before, after))
    gone, come = _unmatched(old, new)
    stayed = zip(_others(old, gone), _others(new, come), strict=True)
    pairs = list(stayed)
    for at in list(gone):
        to = next((each for each in come if new[each] == old[at]), None)
        if to is not None:
            gone.remove(at)
            come.remove(to)
            pairs.append((at, to))
            yield f"{name.format(at + 1)} moved: it is {name.format(to + 1)} now"
    for at, to in zip(gone, come, strict=False):
        pairs.append((at, to))
        yield f"{name.format(at + 1)}: {_rule(before[at])} became: {_rule(after[to])}"
    for at, to in sorted(pairs):
        if _state(before[at]) != _state(after[to]):
            yield f"{name.format(to + 1)} {_moved(_state(before[at]), _state(after[to]))}"
    for at in gone[len(come) :]:
        yield f"{name.format(at + 1)} removed: {_rule(before[at])}"
    for to in come[len(gone) :]:
        yield f"{name.format(to + 1)} added{_held(after[to])}: {_rule(after[to])}"


def _others(rules: list[str], places: list[int]) -> list[int]:
    return [at for at in range(len(rules)) if at not in places]


def _stateless(rule: Any) -> Any:
    """The rule whatever its state is, as a state has sentences of its own."""
    if not isinstance(rule, Mapping):
        return rule
    return {name: value for name, value in rule.items() if name != "status"}


def _state(part: Any) -> str:
    return str(part.get("status") or "active") if isinstance(part, Mapping) else "active"


def _held(part: Any) -> str:
    return "" if _state(part) == "active" else f" as {_state(part)}"


def _moved(before: str, after: str) -> str:
    """What became of the state of a part."""
    if after != "active":
        return after
    return "resumed" if before == "paused" else "started again"


def _unmatched(old: list[str], new: list[str]) -> tuple[list[int], list[int]]:
    """The places in each list of what did not stay where it was among the others."""
    gone: list[int] = []
    come: list[int] = []
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, start, end, first, last in matcher.get_opcodes():
        if tag != "equal":
            gone += range(start, end)
            come += range(first, last)
    return gone, come


def _rule(rule: Any) -> str:
    """A rule in words, or as JSON where it cannot be read."""
    try:
        effects = [
            EffectRow(effect["action"], {key: effect[key] for key in effect if key != "action"})
            for effect in rule.get("then") or []
        ]
        return f"“{read_rule(parse(rule['if']), effects)}”"
    except (InvalidCondition, AttributeError, KeyError, TypeError, RecursionError):
        return _text(rule)


def _became(name: str, before: Document, after: Document) -> str:
    return f"{_words(name)} {_value(before.get(name))} → {_value(after.get(name))}"


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "on" if value else "off"
    return _words(value) if isinstance(value, str) and value else _text(value)


def _words(name: Any) -> str:
    return str(name).replace("_", " ")


def _text(value: Any) -> str:
    """1, 1.0 and true differ, and the order of options does not."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
