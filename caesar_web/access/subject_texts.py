"""Texts of subjects for their pages: the beginning of each, from hosts that are trusted."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from caesar_web.access import media_hosts, parts
from caesar_web.access.remembering import asked
from caesar_web.access.subjects import Location

TEXT_MIMES = ("text/plain", "application/json")
MOST_TEXTS = 3  # on a page, which somebody waits for
MOST_CHARACTERS = 5_000
MOST_BYTES = 4 * MOST_CHARACTERS  # no character of UTF-8 has more

AWAY = "This text cannot be read from here at the moment. Its link leads to it."
ELSEWHERE = "This text is at another host than Zooniverse’s, so it is not shown here."
NO_TEXT = "This is no text that can be shown."
TOO_MANY = f"Only the first {MOST_TEXTS} texts are shown here."

_NOT_SHOWN = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


@dataclass(frozen=True)
class SubjectText:
    """The beginning of a text. A `problem` says why there is none."""

    text: str = ""
    is_cut: bool = False
    problem: str | None = None


def texts_of(locations: Iterable[Location]) -> dict[str, SubjectText]:
    """The texts among the locations of a subject, by their addresses."""
    addresses = dict.fromkeys(one.url for one in locations if one.mime in TEXT_MIMES)
    return {
        url: _text(url) if at < MOST_TEXTS else SubjectText(problem=TOO_MANY)
        for at, url in enumerate(addresses)
    }


def _text(url: str) -> SubjectText:
    if not media_hosts.is_trusted(url):
        return SubjectText(problem=ELSEWHERE)

    def ask() -> SubjectText:
        answer = parts.swift_guarded().beginning(url, most_bytes=MOST_BYTES)
        return _read(answer.body, is_cut=answer.is_cut)

    return asked(("text", url), ask, otherwise=SubjectText(problem=AWAY), of="subject texts")


def _read(body: bytes, *, is_cut: bool) -> SubjectText:
    if b"\0" in body:
        return SubjectText(problem=NO_TEXT)
    text = body.decode("utf-8-sig", errors="replace")
    if is_cut:
        text = text.rstrip("\ufffd")  # half a character
    lines = _NOT_SHOWN.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    return SubjectText(lines[:MOST_CHARACTERS], is_cut or len(lines) > MOST_CHARACTERS)
