"""Conditions and rules in plain English: what means something else never reads the same."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from caesar_web.domain.conditions import Node
from caesar_web.domain.effect_reading import EffectLike, effect_pieces
from caesar_web.domain.pieces import (
    Piece,
    Pieces,
    enumerated,
    in_brackets,
    merged,
    named,
    said,
    sentence,
    valued,
)

_WITH_SUBGROUP = re.compile(r"([^\[\].]+)\[([^\]]*)\](?:\.(.+))?", re.DOTALL)
_KNOWN_FIELDS = {
    "most_likely": "the leading answer in ",
    "num_votes": "the number of votes for the leading answer in ",
    "agreement": "the agreement in ",
    "classifications": "the number of classifications in ",
    "top_answer": "the leading answer in ",
    "top_votes": "the number of votes for the leading answer in ",
    "total_votes": "the number of all votes in ",
    "margin": "the lead of the leading answer in ",
}
_OF_ANSWERS = {
    "votes": "the votes for ",
    "consecutive": "the number of latest people in a row who say ",
}
_OF_AN_ENTRY = {"key": "the answer", "value": "its count"}


class Words(NamedTuple):
    """One row of the table of operators: how it reads, and its own words.

    `alone` is for a single operand, `empty` for none.
    """

    read: Callable[[Node, bool], Pieces]
    words: str = ""
    alone: str = ""
    empty: str = ""


def read_condition(node: Node, *, in_entry: bool = False) -> str:
    """A condition, or a part of one, in words; `in_entry`: a part from inside any or all."""
    return sentence(_read(node, in_entry))


def read_rule(node: Node, effects: Sequence[EffectLike]) -> str:
    """A whole rule as one sentence."""
    return sentence(rule_pieces(node, effects))


def condition_pieces(node: Node) -> tuple[Piece, ...]:
    """What `read_condition` says, in pieces."""
    return tuple(merged(_read(node, False)))


def rule_pieces(node: Node, effects: Sequence[EffectLike]) -> tuple[Piece, ...]:
    """What `read_rule` says, in pieces."""
    done = enumerated([effect_pieces(effect) for effect in effects] or [said("do nothing")], "and")
    pieces = [*said("If "), *_clause(node, False), *said(", then "), *done, *said(".")]
    return tuple(merged(pieces))


# Every function below has a second argument: whether the node stands inside any or all, where
# lookups find nothing but the key and the value of one entry.


def _read(node: Node, in_entry: bool) -> Pieces:
    return WORDS[node.operator].read(node, in_entry)


def _const(node: Node, in_entry: bool) -> Pieces:
    return valued(node.arguments[0])


def _lookup(node: Node, in_entry: bool) -> Pieces:
    return [*_found(node, in_entry), *_when_missing(node, in_entry)]


def _found(node: Node, in_entry: bool) -> Pieces:
    """What a lookup finds, without what stands for it where it is missing."""
    key: str = node.arguments[0]
    if in_entry and key in _OF_AN_ENTRY:
        return [Piece(_OF_AN_ENTRY[key], "key")]
    if key == "subject.zooniverse_subject_id":
        return [Piece("the subject's Zooniverse id", "key")]
    if key.startswith("subject."):
        return [*said("the subject's "), *named(key.removeprefix("subject."))]
    reduction, field = _split(key)
    if not field:
        return [*said("the value of "), *reduction]
    if field in _KNOWN_FIELDS:
        return [*said(_KNOWN_FIELDS[field]), *reduction]
    first, _, answer = field.partition(".")
    if answer and first in _OF_ANSWERS:
        return [*said(_OF_ANSWERS[first]), *named(answer), *said(" in "), *reduction]
    return [*reduction, *said(" → "), *named(field)]


def _when_missing(node: Node, in_entry: bool) -> Pieces:
    key, fallback = node.arguments
    if in_entry and key == "key":
        return []  # every entry has one
    if in_entry and key not in _OF_AN_ENTRY:
        return [*said(" (never found here, so always "), *valued(fallback), *said(")")]
    return [*said(" ("), *valued(fallback), *said(" when missing)")]


def _split(key: str) -> tuple[Pieces, str]:
    """The reduction that a key names, and the field or ""."""
    found = _WITH_SUBGROUP.fullmatch(key)
    if found:
        reducer, subgroup, field = found.groups(default="")
        return [*named(reducer), *said(" of subgroup "), *named(subgroup)], field
    reducer, _, field = key.partition(".")
    return named(reducer if field else key), field


def _comparison(node: Node, in_entry: bool) -> Pieces:
    words = WORDS[node.operator].words
    if len(node.operands) == 2:
        return _compared(node, words, in_entry)
    first, *others = (_side(operand, in_entry) for operand in node.operands)
    if not others:
        return [*first, *said(f" {words} … (nothing to compare with, so always true)")]
    links = [f" {words} ", *[f", which {words} "] * (len(others) - 1)]
    pairs = zip(links, others, strict=True)
    return [*first, *(piece for link, other in pairs for piece in [*said(link), *other])]


def _compared(node: Node, words: str, in_entry: bool) -> Pieces:
    left, right = node.operands
    sides = [*said(f" {words} "), *_side(right, in_entry)]
    if left.operator == "lookup" and right.operator == "const":
        return [*_found(left, in_entry), *sides, *_when_missing(left, in_entry)]
    return [*_side(left, in_entry), *sides]


def _side(node: Node, in_entry: bool) -> Pieces:
    pieces = _read(node, in_entry)
    return pieces if _is_value(node) else in_brackets(pieces)


def _is_value(node: Node) -> bool:
    return WORDS[node.operator].read in (_const, _lookup, _calculation, _conversion)


def _clause(node: Node, in_entry: bool) -> Pieces:
    """A node of which only matters whether it holds; 0 and "" do, so of values it is said."""
    if node.operator == "const":
        return _constant_clause(node.arguments[0])
    return _truth(node, "counts", in_entry) if _is_value(node) else _read(node, in_entry)


def _constant_clause(value: Any) -> Pieces:
    if isinstance(value, bool):
        return valued(value)
    return [*valued(value), *said(f" (counts as {'false' if value is None else 'true'})")]


def _truth(node: Node, counts: str, in_entry: bool) -> Pieces:
    words = said(f" {counts} as true")
    if node.operator == "lookup":
        return [*_found(node, in_entry), *words, *_when_missing(node, in_entry)]
    return [*_read(node, in_entry), *words]


def _group(node: Node, in_entry: bool) -> Pieces:
    _, words, alone, empty = WORDS[node.operator]
    if not node.operands:
        return said(empty)
    if len(node.operands) == 1:
        return [*said(alone), *in_brackets(_clause(node.operands[0], in_entry))]
    return enumerated([_member(operand, in_entry) for operand in node.operands], words)


def _member(node: Node, in_entry: bool) -> Pieces:
    """A clause beside others; one that has commas or groups of its own stands in brackets."""
    pieces = _clause(node, in_entry)
    read, several = WORDS[node.operator].read, len(node.operands) > 1
    if read is _group and several:
        return in_brackets([*said("either "), *pieces] if node.operator == "or" else pieces)
    is_long = read is _entries or (read is _comparison and len(node.operands) > 2)
    return in_brackets(pieces) if is_long else pieces


def _negation(node: Node, in_entry: bool) -> Pieces:
    (denied,) = node.operands
    row = WORDS[denied.operator]
    if _is_value(denied) and denied.operator != "const":
        return _truth(denied, "does not count", in_entry)
    if row.read is _comparison and len(denied.operands) == 2:
        return _compared(denied, row.words.replace("is", "is not", 1), in_entry)
    return [*said("not "), *in_brackets(_clause(denied, in_entry))]


def _entries(node: Node, in_entry: bool) -> Pieces:
    reduction, field = _split(node.arguments[0])
    entries = [*reduction, *said(" → "), *named(field)] if field else reduction
    words = said(f"{WORDS[node.operator].words} ")
    return [*words, *entries, *said(", "), *_clause(node.operands[0], True)]


def _calculation(node: Node, in_entry: bool) -> Pieces:
    _, words, alone, _ = WORDS[node.operator]
    first, *others = (_term(operand, in_entry) for operand in node.operands)
    if not others:
        return [*said(f"{alone} "), *first, *said(" alone")]
    return [*first, *(piece for other in others for piece in [*said(f" {words} "), *other])]


def _conversion(node: Node, in_entry: bool) -> Pieces:
    return [*_term(node.operands[0], in_entry), *said(f" {WORDS[node.operator].words}")]


def _term(node: Node, in_entry: bool) -> Pieces:
    """What is calculated with or converted."""
    pieces = _read(node, in_entry)
    return pieces if node.operator in ("const", "lookup") else in_brackets(pieces)


WORDS: dict[str, Words] = {
    "const": Words(_const),
    "lookup": Words(_lookup),
    "lt": Words(_comparison, "is less than"),
    "lte": Words(_comparison, "is at most"),
    "gt": Words(_comparison, "is more than"),
    "gte": Words(_comparison, "is at least"),
    "eq": Words(_comparison, "is"),
    "and": Words(_group, "and", "all of ", "all of no conditions (always true)"),
    "or": Words(_group, "or", "any of ", "any of no conditions (never true)"),
    "not": Words(_negation),
    "any": Words(_entries, "for any answer in"),
    "all": Words(_entries, "for every answer in"),
    "+": Words(_calculation, "plus", "the sum of"),
    "-": Words(_calculation, "minus", "the difference of"),
    "*": Words(_calculation, "times", "the product of"),
    "/": Words(_calculation, "divided by", "the quotient of"),
    "%": Words(_calculation, "modulo", "the remainder of"),
    "upcase": Words(_conversion, "in capitals"),
    "downcase": Words(_conversion, "in small letters"),
    "int": Words(_conversion, "as a whole number"),
    "to_i": Words(_conversion, "as a whole number"),
    "float": Words(_conversion, "as a number"),
    "to_f": Words(_conversion, "as a number"),
}
