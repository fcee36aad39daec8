"""Secrets of a configuration: what a mask that is sent back stands for, and where they go."""

from collections.abc import Mapping, Sequence
from dataclasses import Field, replace
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

from caesar_web.domain.options import MASK, Unreadable
from caesar_web.domain.values import DomainError, Problem

Credentials = tuple[str, str]


class Secretive(Protocol):
    """What somebody writes with secrets in it, which stand beside the masks in its config."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def config(self) -> dict[str, Any]: ...

    @property
    def secrets(self) -> dict[str, str]: ...


Row = TypeVar("Row", bound=Secretive)


class SecretLost(DomainError):
    """A secret is not kept, or nothing opens it any more."""


class Destination(NamedTuple):
    """Where requests go, as whom, and the secret that they are signed with.

    The address itself has no secret in it.
    """

    url: str
    credentials: Credentials | None = None
    secret: str | None = None


def resolved(row: Row, kept: Sequence[Row], *, place: str, problems: list[Problem]) -> Row:
    """The row with what its masks stand for; what stands for nothing is added to `problems`.

    A secret is only kept for the server that it was given for, so that whoever may change the
    address cannot have it sent elsewhere.
    """
    secrets = {}
    for name, value in row.secrets.items():
        try:
            secrets[name] = _resolved(name, value, row, kept)
        except Unreadable as problem:
            problems.append(Problem(f"{place}.{name}", str(problem)))
    return replace(row, secrets=secrets)


def says_the_same(row: Row, kept: Row) -> bool:
    """Whether the row is what is kept; a mask stands for whatever is kept."""
    return _is_alike(row, kept) and all(
        value in (MASK, kept.secrets.get(name)) for name, value in row.secrets.items()
    )


def destination(config: Mapping[str, Any], secrets: Mapping[str, str]) -> Destination:
    """Where requests go that a config with an address is about.

    Raises SecretLost where only the mask is left.
    """
    parts = urlsplit(config["url"])
    _, masked, server = parts.netloc.rpartition("@")
    password, secret = (
        None if config.get(name) is None else secrets.get(name, MASK)
        for name in ("password", "secret")
    )
    userinfo = secrets.get("url", MASK) if masked else ""
    if MASK in (password, secret, userinfo):
        raise SecretLost("its password or secret cannot be read any more; give it again, and save")
    url = urlunsplit(parts._replace(netloc=server))
    if "username" in config:
        return Destination(url, (config["username"], password or ""), secret)
    if not userinfo:
        return Destination(url, None, secret)
    name, _, password = userinfo.partition(":")
    return Destination(url, (unquote(name), unquote(password)), secret)


def _is_alike(row: Row, kept: Row) -> bool:
    """Whether they are the same but for their secrets."""
    return replace(row, secrets={}) == replace(kept, secrets={})


def _resolved(name: str, value: str, row: Row, kept: Sequence[Row]) -> str:
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
    alike = [one for one in near if _is_alike(one, row)]
    found = {one.secrets[name] for one in alike or near}
    if len(found) > 1:
        raise Unreadable("must be given: the mask could stand for more than one that is kept")
    return found.pop()


def _server(config: dict[str, Any]) -> tuple[str, str | None, int]:
    parts = urlsplit(config.get("url") or "")
    return parts.scheme, parts.hostname, parts.port or 443
