"""Links to addresses that somebody else made: nothing but http and https, and nothing hidden."""

import ipaddress
import re
import unicodedata
from urllib.parse import SplitResult, quote, urlsplit

from markupsafe import Markup, escape

_SCHEMES = ("http", "https")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_LINK = Markup('<a href="{}" rel="noopener noreferrer nofollow">{}</a>')
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_UNSEEN = ("C", "Zl", "Zp")  # controls, what has no width or turns text around, line ends
# Letters, marks and a symbol without any ink.
_INKLESS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
_AMBIGUOUS = "ß\u03c2"  # letters of host names that older and newer browsers read differently
_KEPT = "%/?#[]@!$&'()*+,;=:~-._"  # all that an address may hold as it is, beside letters


def link(address: str, text: str | None = None) -> Markup:
    """A link that shows where it leads; plain text where that is neither http nor https.

    A `text` other than the address stands before the host, or before the address as plain text.
    """
    safe = _safe(address)
    where = address if safe is None else safe.geturl()
    if not text or text in (address, where):
        shown = _visible(where)
    else:
        shown = f"{_visible(text)} ({_visible(address) if safe is None else safe.netloc})"
    return escape(shown) if safe is None else _LINK.format(where, shown)


def _visible(text: str) -> str:
    """The text with its codes in place of characters that nobody sees or that turn it around."""
    return "".join(f"[U+{ord(one):04X}]" if _is_unseen(one) else one for one in text)


def _is_unseen(character: str) -> bool:
    if character.isspace():
        return character != " "
    return unicodedata.category(character).startswith(_UNSEEN) or bool(_INKLESS.match(character))


def _safe(address: str) -> SplitResult | None:
    """The address in ASCII, so that it is what it looks like; None where it cannot be trusted."""
    # Browsers drop or turn these, and then read another address than we do.
    if any(one in " \\" or _is_unseen(one) for one in address):
        return None
    try:
        parts = urlsplit(address)
        host = _host(parts)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return None
    if parts.scheme not in _SCHEMES or "@" in parts.netloc or host is None:
        return None
    path, query, fragment = (quote(part, safe=_KEPT) for part in parts[2:])
    return SplitResult(parts.scheme, host + port, path, query, fragment)


def _host(parts: SplitResult) -> str | None:
    """The host in ASCII (a name in punycode), or None where it is none. Raises ValueError."""
    name = parts.hostname or ""
    if "[" in parts.netloc:
        address = ipaddress.IPv6Address(name)
        return None if address.scope_id else f"[{address}]"
    if any(letter in name for letter in _AMBIGUOUS):
        return None
    ascii_name = name.encode("idna").decode().lower()
    labels = ascii_name.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):  # browsers read 0x7f.1 as 127.0.0.1
        return str(ipaddress.IPv4Address(ascii_name))
    return ascii_name if all(map(_LABEL.fullmatch, labels)) else None
