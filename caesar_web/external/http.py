"""Calls to addresses that users gave: only to public hosts, and bounded in every way."""

import json
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import orjson
import requests
from requests.auth import HTTPBasicAuth
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_match_hostname import CertificateError

from caesar_web.external.addresses import (
    Address,
    RefusedAddress,
    read_address,
    refuse_host_of,
    refuse_ip,
)
from caesar_web.external.deadline import Deadline
from caesar_web.external.signing import HEADER, signature

HEADERS = {"Accept": "application/json", "User-Agent": "caesar_web"}
ANY_KIND = {"Accept": "*/*"}
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
CHUNK_SIZE = 64 * 1024
REFUSALS_OF_ALL = frozenset({408, 429})  # below 500, said of the server and not of the request

Auth = tuple[str, str]


class ExternalError(Exception):
    """A call that gave no answer; `permanent` where trying again cannot help.

    `of_server`: the server or the way there is to blame, and not what was asked of it.
    """

    def __init__(self, message: str, *, permanent: bool, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent
        self.status = status
        self.of_server = not permanent and (
            status is None or status >= 500 or status in REFUSALS_OF_ALL
        )


@dataclass(frozen=True)
class Answer:
    """A success of the service, and how long it took; `is_cut` where there is more of the body."""

    status: int
    body: bytes
    seconds: float
    is_cut: bool = False


class GuardedClient:
    """Calls addresses that cannot be trusted. Safe to share between threads."""

    def __init__(
        self,
        *,
        http_to_loopback: bool = False,
        timeout: tuple[float, float] = (5.0, 20.0),
        most_seconds: float = 60.0,
        most_bytes: int = 5 * 1024 * 1024,
    ) -> None:
        self._http_to_loopback = http_to_loopback
        self._timeout = timeout
        self._most_seconds = most_seconds
        self._most_bytes = most_bytes

    def post(
        self, url: str, body: Any, *, auth: Auth | None = None, secret: str | None = None
    ) -> Answer:
        """Send the body as JSON, signed if there is a secret.

        `auth` counts more than credentials in the URL.
        """
        sent = _json(body)
        signed = {HEADER: signature(secret, sent, at=int(time.time()))} if secret else {}
        return self._call("POST", url, body=sent, auth=auth, headers=signed)

    def get(self, url: str, *, most_bytes: int | None = None) -> Answer:
        """Fetch what is there, up to a size of its own."""
        return self._call("GET", url, most_bytes=most_bytes)

    def beginning(self, url: str, *, most_bytes: int) -> Answer:
        """Fetch what is there, of whatever kind, as far as so many bytes go."""
        return self._call("GET", url, cut_at=most_bytes, headers=ANY_KIND)

    def _call(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        auth: Auth | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
        most_bytes: int | None = None,
        cut_at: int | None = None,
    ) -> Answer:
        started = time.monotonic()
        try:
            address = read_address(url, http_to_loopback=self._http_to_loopback)
        except RefusedAddress as problem:
            raise ExternalError(str(problem), permanent=True) from None
        with (
            Deadline(self._most_seconds) as deadline,
            _failures_named(address.host, deadline),
            closing(_Adapter(address.scheme, deadline)) as adapter,
        ):
            refuse_host_of(address)
            request = _request(method, address, body=body, auth=auth or address.auth)
            request.headers.update(headers)
            # Sent without a session, which would follow redirects (or read their bodies without
            # a limit), keep cookies, and take passwords and proxies from the environment.
            with adapter.send(request, stream=True, timeout=self._timeout) as response:
                _refuse_status(response.status_code, address.host)
                most = most_bytes or self._most_bytes
                answered = _bounded_body(response, address.host, most, cut_at=cut_at)
        is_cut = cut_at is not None and len(answered) > cut_at
        seconds = time.monotonic() - started
        return Answer(response.status_code, answered[:cut_at], seconds, is_cut)


class _Adapter(IPFilterAdapter):  # type: ignore[misc]  # it has no types
    """Connects to the very address that was checked.

    The library pins the first address of a name, and refuses most private ones. It lets through
    what Python does not call private (site-local, IPv4-compatible), and knows no total time.
    """

    def __init__(self, scheme: str, deadline: Deadline) -> None:
        super().__init__(is_https_proto=scheme == "https", allow_loopback=scheme == "http")
        self._deadline = deadline

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        pinned, settings = super().build_connection_pool_key_attributes(request, verify, cert)
        refuse_ip(pinned["host"].strip("[]"), scheme=pinned["scheme"])
        return pinned, settings

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        pool: HTTPConnectionPool = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = self._deadline.watching(pool.ConnectionCls)
        return pool


def _json(body: Any) -> bytes:
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:  # whole numbers beyond 64 bits
        return json.dumps(body, allow_nan=False).encode()


def _request(
    method: str, address: Address, *, body: bytes | None, auth: Auth | None
) -> requests.PreparedRequest:
    kind = {} if body is None else {"Content-Type": "application/json"}
    basic = HTTPBasicAuth(auth[0].encode(), auth[1].encode()) if auth else None
    request = requests.Request(method, address.url, headers=HEADERS | kind, data=body, auth=basic)
    return request.prepare()


def _bounded_body(
    response: requests.Response, host: str, most: int, *, cut_at: int | None
) -> bytes:
    """All of the body, or of one that is to be cut a little more than is wanted."""
    body = bytearray()
    for chunk in response.iter_content(CHUNK_SIZE):
        body += chunk
        if cut_at is not None and len(body) > cut_at:
            break
        if len(body) > most:
            text = f"{host} answered with more than {most} bytes"
            raise ExternalError(text, permanent=False, status=response.status_code)
    return bytes(body)


def _refuse_status(status: int, host: str) -> None:
    if 200 <= status < 300:
        return
    also = "; redirects are not followed" if 300 <= status < 400 else ""
    raise ExternalError(
        f"{host} answered with status {status}{also}", permanent=False, status=status
    )


@contextmanager
def _failures_named(host: str, deadline: Deadline) -> Iterator[None]:
    """Turn what the network does into an ExternalError that says it in a sentence."""
    try:
        yield
        problem: Exception | None = None
    except RefusedAddress as refusal:
        raise ExternalError(str(refusal), permanent=True) from None
    except InvalidIPAddress as refusal:
        text = f"The host is at {refusal}, which is not a public address"
        raise ExternalError(text, permanent=True) from None
    except (ExternalError, requests.RequestException, HTTPError, OSError) as failure:
        problem = failure
    if deadline.is_over:  # then what looks like the end of the headers or the body is not
        text = f"{host} took longer than {deadline.seconds:g} seconds in all"
        raise ExternalError(text, permanent=False) from problem
    if isinstance(problem, ExternalError):
        raise problem
    if problem is not None:
        raise ExternalError(_told(problem, host), permanent=False) from problem


def _told(problem: Exception, host: str) -> str:
    """What happened; the text of the problem itself would repeat the URL, which may hold a key."""
    for cause in _causes(problem):
        if isinstance(cause, socket.gaierror):
            return f"The name {host} cannot be resolved"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"The certificate of {host} is not accepted: {cause.verify_message}"
        if isinstance(cause, CertificateError):
            return f"The certificate of {host} is not accepted: {cause}"
    if isinstance(problem, requests.Timeout):
        return f"{host} did not answer in time"
    if isinstance(problem, requests.exceptions.SSLError):
        return f"No secure connection to {host} came about"
    return f"The connection to {host} failed ({type(problem).__name__})"


def _causes(problem: BaseException | None) -> Iterator[BaseException]:
    while problem is not None:
        yield problem
        problem = problem.__cause__ or problem.__context__
