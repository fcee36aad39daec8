"""Which addresses that users give may be called: how a URL is read, which hosts are public."""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, unquote, urlsplit

LONGEST_URL = 2048
LONGEST_HOST = 253
PORTS = range(1, 65536)
DEFAULT_PORTS = {"https": 443, "http": 80}

IPAddress = IPv4Address | IPv6Address

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_IS_IP = re.compile(r"[0-9.]+|.*:.*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# IPv6 is handed out from here alone. All that wraps an IPv4 address is elsewhere, but for 6to4 and
# Teredo, and so are the site-local addresses, which Python calls global.
_UNICAST = ip_network("2000::/3")
# Versions of Python disagree on whether these are global.
_SPECIAL = tuple(
    map(
        ip_network,
        (
            "100.64.0.0/10",  # shared by the customers of a provider, and inside clouds
            "168.63.129.16/32",  # Azure's own services, in front of each of its machines
            "192.0.0.0/24",  # protocols, and the metadata of one cloud
            "192.88.99.0/24",  # 6to4 relays
            "2001::/23",  # Teredo, ORCHID, benchmarks
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4
            "3fff::/20",  # documentation
        ),
    )
)


class RefusedAddress(Exception):
    """An address that is never called. The text says why, and repeats nothing secret."""


@dataclass(frozen=True)
class Address:
    """An address that may be called, if its host is; `url` is without the credentials."""

    url: str
    scheme: str
    host: str
    port: int
    auth: tuple[str, str] | None = field(repr=False)


def read_address(url: str, *, http_to_loopback: bool = False) -> Address:
    """The address that the URL is for every reader. Raises RefusedAddress where readers differ."""
    _refuse_characters(url)
    if "#" in url:
        raise RefusedAddress("The URL must not have a fragment; a # in a password is written %23")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # its text would repeat what may be a password
        raise RefusedAddress("The URL cannot be read: its host or port is malformed") from None
    if parts.scheme not in (DEFAULT_PORTS if http_to_loopback else ("https",)):
        raise RefusedAddress("The URL must begin with https://")
    if parts.netloc.count("@") > 1:
        raise RefusedAddress("The URL has two hosts to choose from; an @ in a password is %40")
    if port is not None and port not in PORTS:
        raise RefusedAddress("The port of the URL must be from 1 to 65535")
    if ("[" in parts.netloc) != (":" in host):
        raise RefusedAddress("The host of the URL is not an IP address in its usual form")
    _refuse_host(host)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2].lower())
    return Address(
        bare.geturl(), parts.scheme, host, port or DEFAULT_PORTS[parts.scheme], _auth(parts)
    )


def refuse_in_itself(url: str) -> None:
    """Raise RefusedAddress where no resolver needs to be asked for knowing it."""
    address = read_address(url)
    if _IS_IP.fullmatch(address.host):
        refuse_ip(address.host, scheme=address.scheme)


def refuse_host_of(address: Address) -> None:
    """Raise RefusedAddress unless all that the host's name stands for may be called."""
    for found in _resolved(address.host, address.port):
        refuse_ip(found, scheme=address.scheme)


def refuse_ip(text: str, *, scheme: str) -> None:
    """Raise RefusedAddress unless the IP address may be called: public, or for http, our own."""
    ip = ip_address(text)
    if scheme == "https" and not is_public(ip):
        raise RefusedAddress(f"The host is at {ip}, which is not a public address")
    if scheme == "http" and not ip.is_loopback:
        raise RefusedAddress(f"The host is at {ip}; http is only for addresses of this machine")


def is_public(ip: IPAddress) -> bool:
    """Whether the address is one of a single host in the internet."""
    if ip.is_multicast or any(ip in network for network in _SPECIAL):
        return False
    return ip.is_global and (ip.version == 4 or ip in _UNICAST)


def _refuse_characters(url: str) -> None:
    if len(url) > LONGEST_URL:
        raise RefusedAddress(f"The URL is longer than {LONGEST_URL} characters")
    if not re.fullmatch(r"[!-~]*", url) or "\\" in url:
        raise RefusedAddress(
            "The URL must be plain ASCII without spaces, control characters or backslashes"
            " (international names as xn--…, other characters as %…)"
        )


def _refuse_host(host: str) -> None:
    if not host:
        raise RefusedAddress("The URL must name a host")
    if ":" in host:
        return _refuse_unless_ip(host)
    labels = host.split(".")
    if len(host) > LONGEST_HOST or not all(map(_LABEL.fullmatch, labels)):
        raise RefusedAddress("The host of the URL is not a host name (nor may it end in a dot)")
    if _NUMBER.fullmatch(labels[-1]):
        _refuse_unless_ip(host)
    return None


def _refuse_unless_ip(host: str) -> None:
    """Resolvers also take 127.1 or 0x7f000001, which the eye does not."""
    try:
        ip = ip_address(host)
    except ValueError:
        ip = None
    if ip is None or "%" in host:
        raise RefusedAddress("The host of the URL is not an IP address in its usual form")


def _auth(parts: SplitResult) -> tuple[str, str] | None:
    if not parts.username and not parts.password:
        return None
    return unquote(parts.username or ""), unquote(parts.password or "")


def _resolved(host: str, port: int) -> Iterator[str]:
    for *_, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        yield str(place[0])
