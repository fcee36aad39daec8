"""One rule as forms send it: its condition as JSON text, and effects that were read one by one."""

import json
from collections.abc import Iterable

from caesar_web.domain.documents import RuleRow, check_condition
from caesar_web.domain.effects import EffectRow, read_effect_row
from caesar_web.domain.values import InvalidConfiguration, Problem


def read_rule_parts(condition: str, effects: Iterable[EffectRow], *, topic: str) -> RuleRow:
    """The rule that is meant. Raises InvalidConfiguration, with places such as `if[1][2]`."""
    problems: list[Problem] = []
    parsed = None
    try:
        parsed = json.loads(condition)
        check_condition(parsed, "if", problems)
    except (ValueError, RecursionError) as problem:
        problems.append(Problem("if", f"is not JSON: {problem}"))
    rows = [_reread(row, topic, f"then[{at}]", problems) for at, row in enumerate(effects)]
    if problems:
        raise InvalidConfiguration(problems)
    return RuleRow(parsed or [], tuple(rows))


def same_json(text: str, other: str) -> bool:
    """Whether two JSON texts say the same to the letter of their values: 1 is not 1.0."""
    return json.dumps(json.loads(text)) == json.dumps(json.loads(other))


def _reread(row: EffectRow, topic: str, place: str, problems: list[Problem]) -> EffectRow:
    """An effect that was read before, but perhaps for a rule of the other topic."""
    read = read_effect_row(row.action, row.config, topic=topic, place=place, problems=problems)
    return EffectRow(read.action, read.config, {**read.secrets, **row.secrets})
