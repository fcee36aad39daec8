"""The service account's access token: asked for when needed, renewed before it expires."""

import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session

from caesar_web.panoptes.errors import PanoptesError
from caesar_web.panoptes.exchange import Timeout, failures_named, read_answer

RENEW_BEFORE_SECONDS = 60
TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path, not a password
TOKEN_TIMEOUT: Timeout = (5.0, 20.0)


@dataclass(frozen=True)
class Token:
    """An access token and the moment from which a new one is wanted."""

    text: str
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
        timeout: Timeout = TOKEN_TIMEOUT,
    ) -> None:
        self._url = url.rstrip("/") + TOKEN_PATH
        self._client_id = client_id
        self._client_secret = client_secret
        self._now = now
        self._timeout = timeout
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
        try:
            with failures_named(f"POST {TOKEN_PATH}"):
                return _usable(self._fetched(), asked_at)
        except PanoptesError as problem:
            raise _without_token(problem) from problem

    def _fetched(self) -> Mapping[str, Any]:
        with OAuth2Session(
            self._client_id,
            self._client_secret,
            token_endpoint_auth_method="client_secret_post",  # noqa: S106 - a method's name
        ) as session:
            session.register_compliance_hook("access_token_response", self._checked)
            try:
                token: Mapping[str, Any] = session.fetch_token(
                    self._url,
                    grant_type="client_credentials",
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                )
            except requests.RequestException:
                raise
            except (AuthlibBaseError, ValueError, TypeError) as problem:
                raise PanoptesError("the answer holds no token", permanent=False) from problem
            return token

    def _checked(self, response: requests.Response) -> requests.Response:
        """Authlib reads whatever comes; it is given only what was bounded and is a success."""
        answer = read_answer(response, self._now())
        checked = requests.Response()
        checked.status_code = answer.status
        checked.raw = BytesIO(answer.body)
        return checked


def _usable(answer: Mapping[str, Any], asked_at: float) -> Token:
    text = answer.get("access_token")
    # It becomes a header, and a library that refuses a header prints it.
    if not isinstance(text, str) or not re.fullmatch(r"[!-~]+", text):
        raise PanoptesError("the answer holds no token", permanent=False)
    lifetime = _seconds(answer.get("expires_in"))
    age = asked_at - (_seconds(answer.get("created_at")) or asked_at)
    if lifetime is None:
        return Token(text, math.inf)
    # Its clock is not ours: an age that cannot be counts as none.
    remaining = lifetime - age if 0 < age < lifetime else lifetime
    return Token(text, asked_at + remaining - min(RENEW_BEFORE_SECONDS, remaining / 2))


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
    return PanoptesError(
        f"Failed to obtain access token: {problem.message}",
        permanent=False,
        status=problem.status,
        retry_after=problem.retry_after,
    )
