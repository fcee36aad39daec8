"""Secrets of effects: what a mask that is sent back stands for, and where the secrets go."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from caesar_web.domain.effects import EffectRow
from caesar_web.domain.options import MASK, Unreadable
from caesar_web.domain.values import DomainError, Problem

Credentials = tuple[str, str]


class SecretLost(DomainError):
    """A secret of an effect is not kept, or nothing opens it any more."""


def resolved(
    row: EffectRow, kept: Sequence[EffectRow], *, place: str, problems: list[Problem]
) -> EffectRow:
    """The effect with what its masks stand for; what stands for nothing is added to `problems`.

    A secret is only kept for the server that it was given for, so that whoever may change the
    address cannot have it sent elsewhere.
    """
    secrets = {}
    for name, value in row.secrets.items():
        try:
            secrets[name] = _resolved(name, value, row, kept)
        except Unreadable as problem:
            problems.append(Problem(f"{place}.{name}", str(problem)))
    return EffectRow(row.action, row.config, secrets)


def says_the_same(row: EffectRow, kept: EffectRow) -> bool:
    """Whether the effect is the one that is kept; a mask stands for whatever is kept."""
    return (row.action, row.config) == (kept.action, kept.config) and all(
        value in (MASK, kept.secrets.get(name)) for name, value in row.secrets.items()
    )


def destination(row: EffectRow) -> tuple[str, Credentials | None]:
    """Where an external effect goes, and as whom: the address itself has no secret in it.

    Raises SecretLost where only the mask is left.
    """
    parts = urlsplit(row.config["url"])
    _, masked, server = parts.netloc.rpartition("@")
    password = "" if row.config.get("password") is None else row.secrets.get("password", MASK)
    userinfo = row.secrets.get("url", MASK) if masked else ""
    if MASK in (password, userinfo):
        raise SecretLost("its password cannot be read any more; save the effect again with it")
    url = urlunsplit(parts._replace(netloc=server))
    if "username" in row.config:
        return url, (row.config["username"], password)
    if not userinfo:
        return url, None
    name, _, password = userinfo.partition(":")
    return url, (unquote(name), unquote(password))


def _resolved(name: str, value: str, row: EffectRow, kept: Sequence[EffectRow]) -> str:
    if value != MASK:
        if MASK in value:
            raise Unreadable("must be given in full: the mask stands for all of it")
        return value
    known = [one for one in kept if name in one.secrets]
    if not known:
        raise Unreadable("must be given: there is nothing kept that the mask could stand for")
    near = [one for one in known if _server(one.config) == _server(row.config)]
    if not near:
        raise Unreadable("must be given again: what is kept belongs to another server")
    alike = [one for one in near if (one.action, one.config) == (row.action, row.config)]
    found = {one.secrets[name] for one in alike or near}
    if len(found) > 1:
        raise Unreadable("must be given: the mask could stand for more than one that is kept")
    return found.pop()


def _server(config: dict[str, Any]) -> tuple[str, str | None, int]:
    parts = urlsplit(config["url"])
    return parts.scheme, parts.hostname, parts.port or 443
