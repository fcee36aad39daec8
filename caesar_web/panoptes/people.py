"""Panoptes as a person sees it: signing in, and the projects that are theirs to configure."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session

from caesar_web.panoptes.connection import (
    TIMEOUT,
    Connection,
    Document,
    Params,
    documents_of_list,
    rows_of,
)
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.panoptes.exchange import Answer, Timeout
from caesar_web.panoptes.tokens import GrantRefused, TokenEndpoint, is_token

SCOPE = "user public"
SECRET_LENGTH = 64  # of letters and digits; a verifier of PKCE has 43 to 128
OWN_PROJECTS: Params = {"current_user_roles[]": ["owner", "collaborator"], "page_size": 100}
PAGE_LIMIT = 50
CODE_REFUSED = "Zooniverse did not accept this sign-in, which may be too old. Please sign in again."
REFRESH_REFUSED = "Your sign-in with Zooniverse has ended. Please sign in again."


class Refused(Exception):
    """Panoptes does not sign this person in. The text is for them."""


@dataclass(frozen=True)
class PersonTokens:
    """What a person entrusts to us; without a refresh token it cannot be renewed."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)


@dataclass(frozen=True)
class Departure:
    """Where to send the browser, and what to keep until it is back."""

    url: str
    state: str
    verifier: str = field(repr=False)


class People:
    """Panoptes as it is to people who sign in. Safe to share between threads."""

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str,
        *,
        timeout: Timeout = TIMEOUT,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._authorize_url = url.rstrip("/") + "/oauth/authorize"
        self._client_id = client_id
        self._endpoint = TokenEndpoint(url, client_id, client_secret, timeout=timeout, now=now)
        self._connection = Connection(url, timeout=timeout, now=now)

    def departure(self, redirect_uri: str) -> Departure:
        """The start of a sign-in that ends at `redirect_uri`."""
        verifier = generate_token(SECRET_LENGTH)
        with OAuth2Session(
            self._client_id, scope=SCOPE, redirect_uri=redirect_uri, code_challenge_method="S256"
        ) as session:
            url, state = session.create_authorization_url(
                self._authorize_url, state=generate_token(SECRET_LENGTH), code_verifier=verifier
            )
        return Departure(url, state, verifier)

    def arrive(self, redirect_uri: str, *, code: str, verifier: str) -> PersonTokens:
        """The tokens for a code. Raises Refused, or PanoptesError when Panoptes is away or odd."""
        fields = {"redirect_uri": redirect_uri, "code": code, "code_verifier": verifier}
        return self._granted("authorization_code", fields, refusal=CODE_REFUSED)

    def renew(self, refresh: str) -> PersonTokens:
        """New tokens for a refresh token, which is spent then. Raises the same."""
        fields = {"refresh_token": refresh}
        tokens = self._granted("refresh_token", fields, refusal=REFRESH_REFUSED)
        # OAuth: where no new one comes, the old one stays good.
        return tokens if tokens.refresh else PersonTokens(tokens.access, refresh)

    def project_ids(self, access: str, user_id: int) -> list[int]:
        """The projects that the user owns or collaborates on, as their own token shows them."""
        if not is_token(access) or not self._is_of(access, user_id):
            return []
        ids = self._listed_ids(access)
        # For a token that it does not recognise, Panoptes lists all public projects. A dead token
        # stays dead, so one that is good after the last page was good for every page.
        return sorted(ids) if self._is_of(access, user_id) else []

    def close(self) -> None:
        """Close the calling thread's connections."""
        self._connection.close()

    def _granted(self, grant_type: str, fields: Mapping[str, str], *, refusal: str) -> PersonTokens:
        if not all(fields.values()):
            raise Refused(refusal)  # Authlib would leave out what is empty
        try:
            answer = self._endpoint.ask(grant_type, fields)
        except GrantRefused as problem:
            raise Refused(refusal) from problem
        refresh = answer.get("refresh_token")
        if refresh is not None and not is_token(refresh):
            raise PanoptesError("Panoptes sent an odd refresh token", permanent=False)
        return PersonTokens(answer["access_token"], refresh)

    def _is_of(self, access: str, user_id: int) -> bool:
        """Whether Panoptes recognises the token, and as this user's."""
        try:
            document = self._get(access, "/me", {}).json()
        except PanoptesError as problem:
            # Forbidden: the token lacks the scope to say whose it is.
            if problem.status in (requests.codes.unauthorized, requests.codes.forbidden):
                return False
            raise
        ids = [_id(row) for row in rows_of(document, "users")]
        if len(ids) != 1:
            raise PanoptesError("Panoptes does not say whose the token is", permanent=False)
        return ids == [user_id]

    def _listed_ids(self, access: str) -> set[int]:
        ids: set[int] = set()
        pages = documents_of_list(
            lambda path, params: self._get(access, path, params), "/projects", OWN_PROJECTS
        )
        for number, document in enumerate(pages):
            if number == PAGE_LIMIT:
                text = f"Panoptes lists more than {PAGE_LIMIT} pages of one person's projects"
                raise PanoptesError(text, permanent=False)
            ids |= {_id(row) for row in rows_of(document, "projects")}
        return ids

    def _get(self, access: str, path: str, params: Params) -> Answer:
        return self._connection.request("GET", path, token=access, params=params)


def _id(row: Document) -> int:
    text = row.get("id")
    if isinstance(text, str) and re.fullmatch(r"[1-9][0-9]{0,17}", text):
        return int(text)
    raise PanoptesError("Panoptes answered with a row that has no id", permanent=False)
