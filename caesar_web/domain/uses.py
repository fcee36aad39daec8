"""Uses: which reducers look at an extractor, and which rules at a reducer."""

from collections.abc import Iterable, Mapping
from typing import Any

from caesar_web.domain.conditions import parse_text
from caesar_web.domain.known import KnownReducer
from caesar_web.domain.references import references, split_key


def named_extractors(reducer: KnownReducer) -> frozenset[str]:
    """The extractors that a reducer names, also for the field that it summarizes."""
    summarized, dot, _ = str(reducer.options.get("summarize_field", "")).partition(".")
    return reducer.extractor_keys | ({summarized} if dot else set())


def reducers_naming(key: str, reducers: Mapping[str, KnownReducer]) -> list[str]:
    """The reducers that name an extractor."""
    return [name for name, reducer in reducers.items() if key in named_extractors(reducer)]


def reducers_of_all(reducers: Mapping[str, KnownReducer]) -> list[str]:
    """The reducers that look at all extractors, whatever they are called."""
    return [name for name, reducer in reducers.items() if not reducer.filters.extractor_keys]


def reducers_of_rule(
    condition: str, effects: Iterable[Mapping[str, Any]], reducers: Iterable[str]
) -> frozenset[str]:
    """What a rule looks at, in its condition, which is JSON, or in its effects; also the absent."""
    sent = {config.get("reducer_key") for config in effects}
    node = parse_text(condition)
    looked_up = references(node) if node else set()  # without one, the rule never acts
    known = list(reducers)
    named = (split_key(key, known).reducer for key in looked_up)
    return frozenset(str(name) for name in (*named, *sent) if name)
