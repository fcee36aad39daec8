"""What surprises in operators: failures, comparisons that never hold, groups of nothing."""

import math
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from caesar_web.domain.certainty import Certain, certain
from caesar_web.domain.conditions import Node, write
from caesar_web.domain.pieces import sentence, valued
from caesar_web.domain.spots import (
    CALCULATIONS,
    CLAUSES,
    LETTER_CASTS,
    NUMBER,
    NUMBER_CASTS,
    ORDERINGS,
    TEXT,
    Finding,
    Fix,
    Kinds,
    Spot,
    fails,
)
from caesar_web.domain.values import as_text, is_blank, is_number, kind_of, same, whole_text_number

_DATE = re.compile(r"\d{4}-\d{2}")  # whose order as text is their order in time
_FALSE_TEXTS = {"false", "no", "0"}


def always_fails(spot: Spot) -> Finding | None:
    if any(one.error for operand in spot.node.operands if (one := certain(operand))):
        return None  # told there
    known = certain(spot.node)
    reason = known.error if known else _static_failure(spot)
    if reason is None:
        return None
    repaired = _with_numbers(spot.node)
    is_better = repaired != spot.node and not always_fails(Spot(repaired, spot.known))
    fixes = (Fix("Write the texts as numbers", write(repaired)),) if is_better else ()
    return Finding(f"This fails whatever the data: {reason}.", fixes)


def _static_failure(spot: Spot) -> str | None:
    """What fails by the kinds of operands alone, although one of them depends on the data."""
    values = [None if one.operator == "lookup" else one.typical() for one in spot.operands]
    if spot.operator in ORDERINGS and len(values) == 2:  # in a chain, an earlier pair may decide
        left, right = values
        if fails(spot.operator, _or_fitting(left, right), _or_fitting(right, left)):
            known = [kind_of(one.value) for one in values if one]
            return f"{' and '.join(known)} cannot be put in order"
    if spot.operator in CALCULATIONS | NUMBER_CASTS | LETTER_CASTS:
        alone = "+" if spot.operator == "%" else spot.operator  # of one number, they all have one
        bad = [one.value for one in values if one and fails(alone, one.value)]
        return f"{spot.operator} cannot take {kind_of(bad[0])}" if bad else None
    return None


def _or_fitting(value: Certain | None, other: Certain | None) -> Any:
    """The value; where it is not known, one that fits beside the other."""
    if value:
        return value.value
    return other.value if other and isinstance(other.value, str) else 1


def _with_numbers(node: Node) -> Node:
    """The node with numbers in place of constant texts that are numbers from end to end."""
    operands = [Node("const", (_number(one),)) if _is_text(one) else one for one in node.operands]
    return Node(node.operator, node.arguments, tuple(operands))


def _number(node: Node) -> Any:
    """The number that a constant text is, whole where it is written so; else the text."""
    text = node.arguments[0]
    number = whole_text_number(text)
    if number is None or not math.isfinite(number):
        return text
    is_whole = number.is_integer() and re.fullmatch(r"[+-]?\d+", text.strip(), re.ASCII)
    return int(text) if is_whole else number


def _is_text(node: Node) -> bool:
    return node.operator == "const" and isinstance(node.arguments[0], str)


def counts_as_true(spot: Spot) -> Finding | None:
    if spot.parent and spot.parent.operator not in CLAUSES:
        return None
    if spot.operator == "const":
        return _constant_counts_as_true(spot)
    if spot.operator == "lookup":
        return _lookup_counts_as_true(spot)
    return _counts_as_true(spot, spot.kinds)


def _constant_counts_as_true(spot: Spot) -> Finding | None:
    value = spot.node.arguments[0]
    if not _seems_false(value):
        return None
    fix = Fix("Use false", ["const", False])
    shown = sentence(valued(value))
    return Finding(f"Only false and nothing count as false: {shown} counts as true.", (fix,))


def _lookup_counts_as_true(spot: Spot) -> Finding | None:
    if spot.in_entry and spot.key == "key":
        return None
    fallback = spot.node.arguments[1]
    values = [fallback, *(value for value, _ in (spot.seen.values if spot.seen else ()))]
    if not any(map(_seems_false, values)):
        return None
    kinds = spot.likely_kinds | {kind_of(fallback)}
    finding = _counts_as_true(spot, kinds)
    if finding and kinds == {TEXT} and any(one.strip().lower() == "false" for one in values):
        asked = ["eq", ["downcase", write(spot.node)], ["const", "true"]]
        return Finding(finding.message, (Fix('Ask whether it is "true"', asked),))
    return finding


def _counts_as_true(spot: Spot, kinds: Kinds) -> Finding | None:
    """For what is no constant: the surprise that its kinds of value have in them."""
    written = write(spot.node)
    message = "Only false and nothing count as false, so that {} counts as true here too."
    if kinds == {NUMBER}:
        fix = Fix("Ask whether it is more than 0", ["gt", written, ["const", 0]])
        return Finding(message.format("0"), (fix,))
    if kinds == {TEXT}:
        fix = Fix("Ask whether it is not empty", ["not", ["eq", written, ["const", ""]]])
        return Finding(message.format('any text, even empty text or "false",'), (fix,))
    return Finding(message.format("0 or empty text")) if kinds & {NUMBER, TEXT} else None


def _seems_false(value: Any) -> bool:
    """What people would call false, but counts as true."""
    if isinstance(value, str):
        return is_blank(value) or value.strip().lower() in _FALSE_TEXTS
    return (is_number(value) and value == 0) or value in ([], {})


def ordered_as_text(spot: Spot) -> Finding | None:
    if spot.operator not in ORDERINGS or not any(
        _is_text_pair(*pair) for pair in pairwise(spot.operands)
    ):
        return None
    constants = [one.arguments[0] for one in spot.node.operands if _is_text(one)]
    if any(map(_DATE.match, constants)):
        return None
    with_numbers = _with_numbers(spot.node)
    message = "Both sides are text, so that the order is alphabetical: "
    if with_numbers != spot.node:
        fix = Fix("Compare as a number", write(with_numbers))
        is_better = not ordered_as_text(Spot(with_numbers, spot.known, in_entry=spot.in_entry))
        return Finding(f'{message}"10" comes before "9".', (fix,) if is_better else ())
    message += "LION is less than ZEBRA. Did you mean equal?"
    return Finding(message, (Fix("Ask whether they are equal", ["eq", *write(spot.node)[1:]]),))


def _is_text_pair(left: Spot, right: Spot) -> bool:
    return TEXT in left.likely_kinds and TEXT in right.likely_kinds


def never_equal(spot: Spot) -> Finding | None:
    if spot.operator != "eq":
        return None
    pairs = list(pairwise(spot.operands))
    for left, right in pairs:
        if _cannot_be_equal(left, right) and _cannot_be_equal(right, left):
            kinds = [" or ".join(sorted(one.kinds)) for one in (left, right)]
            shown = f"One side is {kinds[0]}{_in_sample(left)}, the other {kinds[1]}"
            message = f"{shown}{_in_sample(right)}: they are never equal."
            return Finding(message, _equal_fixes(spot) if len(pairs) == 1 else ())
    return None


def _cannot_be_equal(one: Spot, other: Spot) -> bool:
    if not one.kinds or not other.kinds or one.kinds & other.kinds:
        return False
    if one.operator != "lookup" or (one.in_entry and one.key == "key"):
        return True
    fallback = one.node.arguments[1]
    if other.operator == "const":
        return not same(fallback, other.node.arguments[0])
    return kind_of(fallback) not in other.kinds


def _in_sample(spot: Spot) -> str:
    seen = spot.seen
    return f" in {seen.count} of {spot.known.sampled} {spot.known.targets}" if seen else ""


def _equal_fixes(spot: Spot) -> tuple[Fix, ...]:
    """The ways to make both sides the same kind that leave nothing to say."""
    left, right = spot.node.operands
    candidates = [
        ("Compare as a number", _with_numbers(spot.node)),
        ("Compare as text", Node("eq", (), (_truth_as_text(left), _truth_as_text(right)))),
        *(("Compare as a number", one) for one in _with_cast(spot)),
    ]
    return tuple(
        Fix(label, write(node))
        for label, node in candidates
        if node != spot.node and not never_equal(Spot(node, spot.known, in_entry=spot.in_entry))
    )


def _truth_as_text(node: Node) -> Node:
    is_truth = node.operator == "const" and isinstance(node.arguments[0], bool)
    return Node("const", (as_text(node.arguments[0]),)) if is_truth else node


def _with_cast(spot: Spot) -> Iterator[Node]:
    """The comparison with a text that was looked up made a number, where all of them are."""
    for at, one in enumerate(spot.operands):
        is_readable = one.seen and all(
            isinstance(value, str) and whole_text_number(value) is not None
            for value, _ in one.seen.values
        )
        if is_readable and one.kinds == {TEXT} and not fails("to_f", one.node.arguments[1]):
            operands = list(spot.node.operands)
            operands[at] = Node("to_f", (), (one.node,))
            yield Node("eq", (), tuple(operands))


def true_of_nothing(spot: Spot) -> Finding | None:
    if spot.operator != "all" or spot.in_entry or _is_guarded(spot):
        return None
    known = spot.known
    empty = known.sampled - known.filled.get(spot.key, 0)
    is_counted = known.sampled and not spot.split_key.field
    counted = f" ({empty} of {known.sampled} {known.targets})" if is_counted else ""
    message = f"This is true as well where {spot.key} has no answers at all{counted}."
    guard = ["any", spot.key, ["const", True]]
    fix = Fix("Ask for at least one answer", ["and", guard, write(spot.node)])
    return Finding(message, (fix,))


def _is_guarded(spot: Spot) -> bool:
    if spot.parent is None or spot.parent.operator != "and":
        return False
    beside = spot.parent.node.operands
    return any(one.operator == "any" and one.arguments[0] == spot.key for one in beside)


def too_few_operands(spot: Spot) -> Finding | None:
    count = len(spot.node.operands)
    if spot.operator in ("and", "or") and count == 0:
        value = spot.operator == "and"
        message = f"A group of no conditions is always {as_text(value)}."
        return Finding(message, (Fix(f"Use {as_text(value)}", ["const", value]),))
    if count != 1 or spot.operator not in CALCULATIONS | ORDERINGS | {"eq"}:
        return None
    if spot.operator in CALCULATIONS:
        fix = Fix("Use it as it is", write(spot.node.operands[0]))
        return Finding("There is one value only, so that nothing is calculated.", (fix,))
    message = "There is nothing to compare with, so that this is always true."
    return Finding(message, (Fix("Use true", ["const", True]),))
