"""Conditions as people paste them: written in Ruby's way, or a whole rule of the API."""

import json
import re
from typing import Any, NamedTuple

from caesar_web.domain.conditions import SHAPES, InvalidCondition, parse

LONGEST = 20_000  # of a text in which something is meant

_TOKENS = re.compile(
    r"""(?P<double>"(?:[^"\\]|\\.)*")|(?P<curly>“[^”]*”)|(?P<single>'(?:[^'\\]|\\.)*')"""
    r"""|:(?P<symbol>[A-Za-z_]\w*)|(?P<nothing>\b(?:nil|None|undefined)\b)"""
    r"""|(?P<truth>\b(?:True|False)\b)|(?P<comma>,(?=\s*[\]}]))""",
    re.DOTALL,
)
_MEMBERS = ("condition", "if", "condition_string")
_AROUND = ("subject_rule", "user_rule", "rule", "data")


class Correction(NamedTuple):
    """What was probably meant, as JSON, and what it was, in words."""

    condition: list[Any]
    words: str


def corrected(text: str) -> Correction | None:
    """What a text that is no condition was probably meant to be, if that can be told.

    Looks like a condition, though it may lack what a condition must have, as a default.
    """
    if len(text) > LONGEST:
        return None
    try:
        given, words = json.loads(text), ""
    except (ValueError, RecursionError):
        given, words = _of_ruby(text), "This is not JSON; written as JSON it is"
    found = _condition_in(given)
    if found is None or (found == given and not words):
        return None
    return Correction(found, words or "This is more than a condition; the condition in it is")


def _of_ruby(text: str) -> Any:
    """What the text says when strings, symbols and nil are written as JSON has them."""
    try:
        return json.loads(_TOKENS.sub(_as_json, text))
    except (ValueError, RecursionError):
        return None


def _as_json(found: re.Match[str]) -> str:
    kind, words = found.lastgroup or "", found.group()
    if kind in ("single", "curly"):
        plain = re.sub(r"\\(.)", r"\1", words[1:-1], flags=re.DOTALL)
        return json.dumps(plain, ensure_ascii=False)
    written = {"symbol": f'"{words[1:]}"', "nothing": "null", "truth": words.lower(), "comma": ""}
    return written.get(kind, words)


def _condition_in(given: Any) -> list[Any] | None:
    if isinstance(given, str):
        inner = corrected(given)
        return inner.condition if inner else _if_condition(_of_ruby(given))
    if isinstance(given, dict):
        members = (given[name] for name in (*_MEMBERS, *_AROUND) if name in given)
        return next((found for one in members if (found := _condition_in(one))), None)
    if isinstance(given, list) and len(given) == 1 and isinstance(given[0], dict):
        return _condition_in(given[0])
    return _if_condition(given)


def _if_condition(given: Any) -> list[Any] | None:
    """The list, where it is a condition but perhaps for its defaults."""
    if not isinstance(given, list) or not given or given[0] not in list(SHAPES):
        return None
    try:
        parse(given)
    except InvalidCondition as problem:
        return given if "fallback" in problem.message else None
    return given
