"""Hosts: where the calls of effects go, as lights and gates name it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from caesar_web.domain.effects import EFFECTS

ELSEWHERE = tuple(
    name for name, effect in EFFECTS.items() if any(one.name == "url" for one in effect.options)
)


def host_of(url: str) -> str:
    """The host that an address is at, with its port unless that is the one of https; or nothing."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    port = port or (80 if parts.scheme == "http" else 443)
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port}" if host and port != 443 else host


def host_of_effect(action: str, config: Mapping[str, Any], *, panoptes: str) -> str:
    """The host that an effect calls; `panoptes` is the one of Panoptes."""
    return host_of(str(config.get("url", ""))) if action in ELSEWHERE else panoptes
