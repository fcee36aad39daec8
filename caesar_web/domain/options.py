"""Declared options: how a config is read, and what is wrong with it."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from caesar_web.domain.values import Problem, whole_text_number

Reader = Callable[[Any], Any]
Kind = Literal[
    "text",
    "texts",  # with commas between them
    "whole number",
    "number",
    "switch",
    "choice",  # one of `choices`
    "choices",  # some of them
    "task",  # a task of the workflow
    "survey choice",  # what a survey of the workflow offers
    "extractors",  # keys of extractors
    "reducers of users",  # keys of reducers by their topic
    "reducers of subjects",
    "field",  # of an extract
    "extractor and field",
    "paths",  # names, each with a JSON path
    "json",  # a list or an object
    "groups",  # names, each with some texts
    "url",
    "secret",  # typed unseen
    "object",  # has options of its own
]
Hider = Callable[[str], tuple[str, str]]  # gives what may be shown, and the secret or ""

MASK = "********"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_DIGITS = re.compile(r"\s*[+-]?\d{1,300}\s*", re.ASCII)


class Unreadable(ValueError):
    """An option's value is not of its kind; the text says what it must be."""


@dataclass(frozen=True)
class Option:
    """One option of a type: its name, how its value is read, and what it is without one.

    Where the value is secret, or has a secret in it, `hide` takes it out. The rest is how a form
    asks for it: `choices` are the values to choose from, each with its words.
    """

    name: str
    read: Reader
    default: Any = None
    required: bool = False
    hide: Hider | None = None
    kind: Kind = "text"
    label: str = ""
    help: str = ""
    example: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unreadable("must be text")
    return value


def whole_number(value: Any) -> int:
    """Numbers may come as texts: forms send nothing else."""
    number = value
    if isinstance(value, str):  # as a decimal number, a long id would become another
        number = int(value) if _DIGITS.fullmatch(value) else whole_text_number(value)
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise Unreadable("must be a whole number")
    if number != int(number):
        raise Unreadable("must be a whole number")
    return int(number)


def number(value: Any) -> int | float:
    """Numbers may come as texts: forms send nothing else."""
    read = whole_text_number(value) if isinstance(value, str) else value
    if isinstance(read, bool) or not isinstance(read, int | float) or not math.isfinite(read):
        raise Unreadable("must be a number")
    return read


def within(read: Reader, *, least: float | None = None, most: float | None = None) -> Reader:
    """A reader of numbers that takes none below the least or above the most."""

    def read_within(value: Any) -> Any:
        found = read(value)
        if least is not None and found < least:
            raise Unreadable(f"must be {least} or more")
        if most is not None and found > most:
            raise Unreadable(f"must be {most} or less")
        return found

    return read_within


def switch(value: Any) -> bool:
    """True or false, also as the texts that forms send."""
    known = {"true": True, "1": True, "false": False, "0": False, "": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in known:
        return known[value.lower()]
    raise Unreadable("must be true or false")


def choice(*choices: str) -> Reader:
    def read(value: Any) -> str:
        if value not in choices:
            raise Unreadable(f"must be one of: {', '.join(choices)}")
        return str(value)

    return read


def texts(value: Any) -> tuple[str, ...]:
    """A text or a list of texts."""
    members = [value] if isinstance(value, str) else value
    if not isinstance(members, list | tuple) or not all(isinstance(one, str) for one in members):
        raise Unreadable("must be a text or a list of texts")
    return tuple(member for member in members if member)


def several(value: Any) -> tuple[str, ...]:
    """Texts with commas between them, or a list of texts; each once."""
    members = value.split(",") if isinstance(value, str) else texts(value)
    return tuple(dict.fromkeys(one.strip() for one in members if one.strip()))


def https_url(value: Any) -> str:
    return _url(value, is_ours=False)


def service_url(value: Any) -> str:
    """An https URL, or an http one of this machine, which only a setting lets anybody call."""
    return _url(value, is_ours=True)


def _url(value: Any, *, is_ours: bool) -> str:
    address = text(value)
    try:
        parts = urlsplit(address)
        is_complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise Unreadable("is not a URL") from None
    is_here = is_ours and parts.scheme == "http" and parts.hostname in LOOPBACK
    if not is_complete or not (parts.scheme == "https" or is_here):
        raise Unreadable("must be an https URL")
    return address


def whole(value: str) -> tuple[str, str]:
    """Hides all of a value."""
    return MASK, value


def userinfo(url: str) -> tuple[str, str]:
    """Hides who calls, and with which password, in a URL."""
    parts = urlsplit(url)
    secret, _, server = parts.netloc.rpartition("@")
    if not secret:
        return url, ""
    return urlunsplit(parts._replace(netloc=f"{MASK}@{server}")), secret


def concealed(
    options: Sequence[Option], config: Mapping[str, Any], read: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """A config without its secrets, which stand by themselves; of what could be `read` of it."""
    shown, secrets = dict(config), {}
    for option in options:
        if option.hide and read.get(option.name):
            shown[option.name], secret = option.hide(read[option.name])
            if secret:
                secrets[option.name] = secret
    return shown, secrets


def read_options(
    options: Sequence[Option], config: Any, *, place: str, problems: list[Problem]
) -> dict[str, Any]:
    """The values of `options` in `config`; what is wrong is added to `problems`."""
    if not isinstance(config, Mapping):
        problems.append(Problem(place, "must be an object"))
        return {}
    names = [option.name for option in options]
    for name in config:
        if name not in names:
            known = f"known: {', '.join(names)}" if names else "it takes none"
            problems.append(Problem(f"{place}.{name}", f"no such option; {known}"))
    return {option.name: _read(option, config, place, problems) for option in options}


def _read(option: Option, config: Mapping[str, Any], place: str, problems: list[Problem]) -> Any:
    value = config.get(option.name)
    if value is None or value == "":
        if option.required:
            problems.append(Problem(f"{place}.{option.name}", "must be given"))
        return option.default
    try:
        return option.read(value)
    except Unreadable as problem:
        problems.append(Problem(f"{place}.{option.name}", str(problem)))
        return option.default
