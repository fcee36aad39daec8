"""Requests to Panoptes' API: connections for each thread, bearer tokens, lists page by page."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from requests.auth import AuthBase

from caesar_web.panoptes.errors import PanoptesError
from caesar_web.panoptes.exchange import Answer, Timeout, failures_named, read_answer

HEADERS = {"Accept": "application/vnd.api+json; version=1", "User-Agent": "caesar_web"}
TIMEOUT: Timeout = (5.0, 20.0)

Params = Mapping[str, str | int | Sequence[str | int]]
Document = dict[str, Any]


class Connection:
    """The API at an address, whoever asks. Safe to share between threads."""

    def __init__(self, url: str, *, timeout: Timeout, now: Callable[[], float]) -> None:
        self._api = url.rstrip("/") + "/api"
        self._timeout = timeout
        self._now = now
        self._local = threading.local()

    def request(
        self, method: str, path: str, *, token: str, params: Params, body: Document | None = None
    ) -> Answer:
        """One request; `path` is relative to the API. Raises PanoptesError unless it succeeds."""
        with failures_named(f"{method} /api{path}"):
            response = self._session().request(
                method,
                self._api + path,
                params=params,
                json=body,
                auth=BearerToken(token),
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            )
            return read_answer(response, self._now())

    def close(self) -> None:
        """Close the calling thread's connections."""
        if session := getattr(self._local, "session", None):
            session.close()

    def _session(self) -> requests.Session:
        """One for each thread, and a new one after a fork: sockets must not be shared."""
        if getattr(self._local, "process_id", None) != os.getpid():
            self._local.process_id = os.getpid()
            self._local.session = _new_session()
        session: requests.Session = self._local.session
        return session


class BearerToken(AuthBase):
    """Sends a token. As an `auth`, and not as a header, it wins over a .netrc file."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _new_session() -> requests.Session:
    session = requests.Session()
    session.headers.update(HEADERS)
    # A session cookie would be a second identity beside the token.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def documents_of_list(
    ask: Callable[[str, Params], Answer], path: str, params: Params
) -> Iterator[Document]:
    """The documents of a list, page by page; `ask` gets a page by its path and parameters."""
    asked: Params = params
    while True:
        document = ask(path, asked).json()
        yield document
        href = next_href(document)
        if href is None:
            return
        # The href repeats only some of the parameters, but what it says counts.
        following = urlsplit(href)
        further = {**params, **parse_qs(following.query, keep_blank_values=True)}
        if (following.path, further) == (path, asked):
            raise PanoptesError(f"Panoptes names {href} as its own next page", permanent=False)
        path, asked = following.path, further


def next_href(document: Document) -> str | None:
    """Where the next page is, relative to the API; nothing on the last page."""
    meta = document.get("meta")
    described = list(meta.values()) if isinstance(meta, dict) else []
    if len(described) != 1 or not isinstance(described[0], dict) or "next_href" not in described[0]:
        raise PanoptesError("Panoptes does not say where the list goes on", permanent=False)
    href = described[0]["next_href"]
    if href is None:
        return None
    if not isinstance(href, str) or not href.startswith("/") or href.startswith("//"):
        raise PanoptesError("Panoptes names a next page outside of its API", permanent=False)
    return href


def rows_of(document: Document, resource: str) -> list[Document]:
    """The rows of a kind in a document. Raises PanoptesError where they are missing."""
    rows = document.get(resource)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise PanoptesError(f"Panoptes answered without {resource}", permanent=False)
    return rows
