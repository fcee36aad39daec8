"""Renaming: other keys for extractors and reducers, wherever a configuration refers to them."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from caesar_web.domain import references

Members: TypeAlias = Mapping[str, Any]  # of a configuration document
Names: TypeAlias = Mapping[str, str]  # old key -> new key

_CARRIED = ("user_reducer_keys", "subject_reducer_keys")
_RULES = ("rules_config", "user_rules_config")


def renamed(
    document: Members, *, extractors: Names | None = None, reducers: Names | None = None
) -> dict[str, Any]:
    """A document that can be read, with other keys in it, and otherwise as it was written."""
    extractors, reducers = extractors or {}, reducers or {}
    changed = dict(document)
    if document.get("extractors_config"):
        entries = document["extractors_config"].items()
        changed["extractors_config"] = {extractors.get(key, key): entry for key, entry in entries}
    if document.get("reducers_config"):
        changed["reducers_config"] = {
            reducers.get(key, key): renamed_reducer(entry, extractors, reducers)
            for key, entry in document["reducers_config"].items()
        }
    for name in _RULES:
        if document.get(name):
            changed[name] = [renamed_rule(rule, reducers) for rule in document[name]]
    return changed


def renamed_reducer(entry: Members, extractors: Names, reducers: Names) -> dict[str, Any]:
    """A reducer of a document, with other keys where it refers to extractors and reducers."""
    changed = dict(entry)
    if (entry.get("filters") or {}).get("extractor_keys"):
        keys = _renamed_keys(entry["filters"]["extractor_keys"], extractors)
        changed["filters"] = {**entry["filters"], "extractor_keys": keys}
    if (entry.get("grouping") or {}).get("field_name"):
        field = _renamed_field(entry["grouping"]["field_name"], extractors)
        changed["grouping"] = {**entry["grouping"], "field_name": field}
    if entry.get("summarize_field"):
        changed["summarize_field"] = _renamed_field(entry["summarize_field"], extractors)
    return changed | {
        name: _renamed_keys(entry[name], reducers) for name in _CARRIED if entry.get(name)
    }


def renamed_rule(rule: Members, reducers: Names) -> dict[str, Any]:
    """A rule of a document, with other keys in its condition and its effects."""
    condition = rule["if"]
    between = {old: f" {at}" for at, old in enumerate(reducers)}  # no reducer has such a key
    for old in reducers:  # in two steps, as a new key may be another's old one
        condition = references.renamed(condition, old, between[old])
    for old, new in reducers.items():
        condition = references.renamed(condition, between[old], new)
    effects = [
        {**effect, "reducer_key": reducers.get(effect["reducer_key"], effect["reducer_key"])}
        if effect.get("reducer_key")
        else effect
        for effect in rule.get("then", [])
    ]
    return {**rule, "if": condition, "then": effects}


def _renamed_keys(keys: str | list[str], names: Names) -> str | list[str]:
    return names.get(keys, keys) if isinstance(keys, str) else [names.get(one, one) for one in keys]


def _renamed_field(field: str, names: Names) -> str:
    """A field of an extract; before its dot, if it has one, stands the extractor's key."""
    key, dot, name = field.partition(".")
    return f"{names.get(key, key)}{dot}{name}" if dot else field
