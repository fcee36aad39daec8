"""Rules in plain English, as lists show them."""

import json

from caesar_web.domain.conditions import InvalidCondition, parse
from caesar_web.domain.reading import read_rule
from caesar_web.store.effects import AnyRule


def read(rule: AnyRule) -> str:
    """A rule as one sentence, or why it cannot be read."""
    try:
        return read_rule(parse(json.loads(rule.condition)), rule.effects)
    except (InvalidCondition, ValueError, RecursionError) as problem:
        return f"This condition cannot be read: {problem}"
