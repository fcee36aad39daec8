"""Tokens from Panoptes' OAuth, of every grant; and the service account's, kept while it is good."""

import json
import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from itertools import islice
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session

from caesar_web.panoptes.connection import TIMEOUT
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.panoptes.exchange import Timeout, failures_named, read_answer

RENEW_BEFORE_SECONDS = 60
TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path, not a password
PIECE_SIZE = 4096
PIECES = 256  # no answer with a token comes near a megabyte


class GrantRefused(PanoptesError):
    """Panoptes refused the code or the refresh token, and not the application that sent it."""


class TokenEndpoint:
    """Where an OAuth application asks for tokens. Safe to share between threads."""

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str,
        *,
        timeout: Timeout,
        now: Callable[[], float],
    ) -> None:
        self._url = url.rstrip("/") + TOKEN_PATH
        self._client_id = client_id
        self._client_secret = client_secret
        self._timeout = timeout
        self._now = now

    def ask(self, grant_type: str, fields: Mapping[str, str]) -> Mapping[str, Any]:
        """The answer, with a good `access_token`. Raises GrantRefused, or another PanoptesError."""
        try:
            with failures_named(f"POST {TOKEN_PATH}"):
                answer = self._fetched(grant_type, fields)
            if not is_token(answer.get("access_token")):
                raise PanoptesError("the answer holds no token", permanent=False)
        except PanoptesError as problem:
            raise _without_token(problem) from problem
        return answer

    def _fetched(self, grant_type: str, fields: Mapping[str, str]) -> Mapping[str, Any]:
        with OAuth2Session(
            self._client_id,
            self._client_secret,
            token_endpoint_auth_method="client_secret_post",  # noqa: S106 - a method's name
        ) as session:
            session.register_compliance_hook("access_token_response", self._checked)
            try:
                answer: Mapping[str, Any] = session.fetch_token(
                    self._url,
                    grant_type=grant_type,
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                    **fields,
                )
            except requests.RequestException:
                raise
            except (AuthlibBaseError, ValueError, TypeError, OverflowError, RecursionError) as odd:
                raise PanoptesError("the answer holds no token", permanent=False) from odd
            return answer

    def _checked(self, response: requests.Response) -> requests.Response:
        """Authlib reads whatever comes; it is given only what was bounded and is a success."""
        with response:
            body = b"".join(islice(response.iter_content(PIECE_SIZE), PIECES))
        try:
            read_answer(_copied(response, body), self._now())
        except PanoptesError as problem:
            if not _refuses_grant(problem.status, body):
                raise
            refused = GrantRefused(problem.message, permanent=True, status=problem.status)
            raise refused from problem
        return _copied(response, body)


@dataclass(frozen=True)
class Token:
    """An access token and the moment from which a new one is wanted."""

    text: str = field(repr=False)
    renew_at: float


class ServiceTokens:
    """The current token of an OAuth application, shared by all threads."""

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str,
        *,
        now: Callable[[], float] = time.time,
        timeout: Timeout = TIMEOUT,
    ) -> None:
        self._endpoint = TokenEndpoint(url, client_id, client_secret, timeout=timeout, now=now)
        self._now = now
        self._lock = threading.Lock()
        self._token: Token | None = None

    def get(self) -> str:
        """A token that is good for a while. Raises PanoptesError when none is to be had."""
        with self._lock:
            if self._token is None or self._now() >= self._token.renew_at:
                self._token = self._new_token()
            return self._token.text

    def refuse(self, token: str) -> None:
        """Never hand out this token again, because Panoptes did not accept it."""
        with self._lock:
            if self._token is not None and self._token.text == token:
                self._token = None

    def _new_token(self) -> Token:
        asked_at = self._now()
        return _dated(self._endpoint.ask("client_credentials", {}), asked_at)


def is_token(text: object) -> bool:
    """Whether it can be sent: it becomes a header, and a library that refuses one prints it."""
    return isinstance(text, str) and re.fullmatch(r"[!-~]+", text) is not None


def _copied(response: requests.Response, body: bytes) -> requests.Response:
    copy = requests.Response()
    copy.status_code = response.status_code
    copy.headers = response.headers
    copy.url = response.url
    copy.request = response.request
    copy.raw = BytesIO(body)
    return copy


def _refuses_grant(status: int | None, body: bytes) -> bool:
    if status not in (requests.codes.bad_request, requests.codes.unauthorized):
        return False
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("error") == "invalid_grant"


def _dated(answer: Mapping[str, Any], asked_at: float) -> Token:
    lifetime = _seconds(answer.get("expires_in"))
    age = asked_at - (_seconds(answer.get("created_at")) or asked_at)
    if lifetime is None:
        return Token(answer["access_token"], math.inf)
    # Its clock is not ours: an age that cannot be counts as none.
    remaining = lifetime - age if 0 < age < lifetime else lifetime
    renew_at = asked_at + remaining - min(RENEW_BEFORE_SECONDS, remaining / 2)
    return Token(answer["access_token"], renew_at)


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if 0 < seconds < math.inf else None


def _without_token(problem: PanoptesError) -> PanoptesError:
    """Never permanent: no action is to blame for a wrong secret, all wait for a right one."""
    return type(problem)(
        f"Failed to obtain access token: {problem.message}",
        permanent=False,
        status=problem.status,
        retry_after=problem.retry_after,
        of_server=True,
    )
