"""Sentences in pieces, so that a page can mark which words are keys and which are values."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Literal, NamedTuple, TypeAlias

_PLAIN_NAME = re.compile(r"[\w#](?:[\w#+.-]*[\w+])?")


class Piece(NamedTuple):
    """A part of a sentence; their texts together are the sentence."""

    text: str
    kind: Literal["words", "key", "value"]


Pieces: TypeAlias = list[Piece]


def said(words: str) -> Pieces:
    """Words of ours."""
    return [Piece(words, "words")]


def named(name: str) -> Pieces:
    """A name of the author's; quotes show where one with spaces and the like ends."""
    return [Piece(name if _PLAIN_NAME.fullmatch(name) else _as_json(name), "key")]


def valued(value: Any) -> Pieces:
    """A value of JSON: texts have quotes, so that "0" is not 0."""
    if value is None:
        return [Piece("nothing", "value")]
    return [Piece("empty text" if value == "" else _as_json(value), "value")]


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def in_brackets(pieces: Pieces) -> Pieces:
    """The same, so that it cannot run into what stands beside it."""
    return [*said("("), *pieces, *said(")")]


def enumerated(parts: Sequence[Pieces], last: str) -> Pieces:
    """One part or more, with commas and a last word: A, B and C."""
    pieces = [*parts[0]]
    for part in parts[1:-1]:
        pieces += [*said(", "), *part]
    return [*pieces, *said(f" {last} "), *parts[-1]] if len(parts) > 1 else pieces


def merged(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The same sentence, with words that follow words in one piece."""
    for kind, run in groupby(pieces, key=lambda piece: piece.kind):
        if kind == "words":
            yield Piece(sentence(run), kind)
        else:
            yield from run


def sentence(pieces: Iterable[Piece]) -> str:
    """The plain text."""
    return "".join(piece.text for piece in pieces)
