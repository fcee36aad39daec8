"""The reads and the effects that the service account performs in Panoptes."""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from requests.auth import AuthBase

from caesar_web.panoptes.errors import PanoptesError
from caesar_web.panoptes.exchange import Answer, Timeout, failures_named, read_answer
from caesar_web.panoptes.tokens import ServiceTokens

HEADERS = {"Accept": "application/vnd.api+json; version=1", "User-Agent": "caesar_web"}
CLIENT_TIMEOUT: Timeout = (5.0, 20.0)
DUPLICATE_IN_SET = "PG::UniqueViolation"
DUPLICATE_IN_COLLECTION = "already in the collection"

Params = Mapping[str, str | int | Sequence[str | int]]
Document = dict[str, Any]


class Panoptes:
    """Panoptes as the service account sees it. Safe to share between threads."""

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str,
        *,
        timeout: Timeout = CLIENT_TIMEOUT,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._api = url.rstrip("/") + "/api"
        self._timeout = timeout
        self._now = now
        self._tokens = ServiceTokens(url, client_id, client_secret, now=now, timeout=timeout)
        self._local = threading.local()

    def workflow(self, workflow_id: int) -> Document:
        """The workflow's row."""
        return self._row("workflows", workflow_id)

    def project(self, project_id: int) -> Document:
        """The project's row."""
        return self._row("projects", project_id)

    def subject_set(self, subject_set_id: int) -> Document:
        """The subject set's row."""
        return self._row("subject_sets", subject_set_id)

    def collection(self, collection_id: int) -> Document:
        """The collection's row."""
        return self._row("collections", collection_id)

    def retire(self, workflow_id: int, subject_ids: Sequence[int], *, reason: str) -> None:
        """Retire the subjects in the workflow; those that are retired already stay so."""
        body = {"subject_ids": list(subject_ids), "retirement_reason": reason}
        self._change_retirement(f"/workflows/{workflow_id}/retired_subjects", body)

    def unretire(self, workflow_id: int, subject_ids: Sequence[int]) -> None:
        """Let the subjects be classified in the workflow again."""
        body = {"subject_ids": list(subject_ids)}
        self._change_retirement(f"/workflows/{workflow_id}/unretire_subjects", body)

    def add_to_subject_set(self, subject_set_id: int, subject_ids: Sequence[int]) -> None:
        """Link the subjects to the set. A single one that is there already is a success."""

        def is_duplicate(problem: PanoptesError) -> bool:
            return DUPLICATE_IN_SET in problem.message

        self._link(f"/subject_sets/{subject_set_id}/links/subjects", subject_ids, is_duplicate)

    def add_to_collection(self, collection_id: int, subject_ids: Sequence[int]) -> None:
        """Link the subjects to the collection. A single one that is there already is a success."""

        def is_duplicate(problem: PanoptesError) -> bool:
            return problem.status == 400 and DUPLICATE_IN_COLLECTION in problem.message

        self._link(f"/collections/{collection_id}/links/subjects", subject_ids, is_duplicate)

    def promote(self, user_id: int, *, project_id: int, workflow_id: int) -> bool:
        """Move the user up to the workflow; False where that would not be up."""
        current_id = self._preferred_workflow(user_id, project_id)
        if level(self.workflow(workflow_id)) <= self._current_level(current_id):
            return False
        settings = {"workflow_id": str(workflow_id)}
        body = {"user_id": user_id, "project_id": project_id, "settings": settings}
        # Unlike a PUT of the row, this keeps the other settings.
        self._write("/project_preferences/update_settings", {"project_preferences": body})
        return True

    def pages(self, path: str, params: Params) -> Iterator[Document]:
        """The documents of a list, page by page; `path` is relative to the API."""
        asked: Params = params
        while True:
            document = self._call("GET", path, params=asked).json()
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

    def close(self) -> None:
        """Close the calling thread's connections."""
        if session := getattr(self._local, "session", None):
            session.close()

    def _row(self, resource: str, row_id: int) -> Document:
        path = f"/{resource}/{row_id}"
        rows = _rows(self._call("GET", path).json(), resource)
        if not rows:
            raise PanoptesError(f"Panoptes answered GET {path} without a row", permanent=False)
        return rows[0]

    def _change_retirement(self, path: str, body: Document) -> None:
        if body["subject_ids"]:
            self._write(path, {"admin": True} | body)

    def _link(
        self, path: str, subject_ids: Sequence[int], is_duplicate: Callable[[PanoptesError], bool]
    ) -> None:
        if not subject_ids:
            return
        try:
            self._write(path, {"subjects": list(subject_ids)})
        except PanoptesError as problem:
            if not is_duplicate(problem):
                raise
            if len(subject_ids) > 1:  # none was added, so each has to be tried by itself
                raise PanoptesError(
                    problem.message, permanent=True, status=problem.status
                ) from problem

    def _preferred_workflow(self, user_id: int, project_id: int) -> int | None:
        params = {"project_id": project_id, "user_id": user_id}
        document = self._call("GET", "/project_preferences", params=params).json()
        rows = _rows(document, "project_preferences")
        if not rows:
            raise PanoptesError(
                f"User {user_id} has no preferences in project {project_id} to promote them in",
                permanent=True,
            )
        settings = rows[0].get("settings")
        return _integer(settings.get("workflow_id")) if isinstance(settings, dict) else None

    def _current_level(self, workflow_id: int | None) -> int:
        if workflow_id is None:
            return 0
        try:
            return level(self.workflow(workflow_id))
        except PanoptesError as problem:
            if problem.status == 404:  # deleted since, which must not hold the user there for ever
                return 0
            raise

    def _write(self, path: str, body: Document) -> None:
        answer = self._call("POST", path, body=body)
        if answer.body.strip():
            answer.json()  # anything else comes from a server that is not Panoptes

    def _call(
        self, method: str, path: str, *, params: Params | None = None, body: Document | None = None
    ) -> Answer:
        token = self._tokens.get()
        try:
            return self._attempt(method, path, params=params or {}, body=body, token=token)
        except PanoptesError as problem:
            if problem.status != requests.codes.unauthorized:
                raise
        self._tokens.refuse(token)
        return self._attempt(method, path, params=params or {}, body=body, token=self._tokens.get())

    def _attempt(
        self, method: str, path: str, *, params: Params, body: Document | None, token: str
    ) -> Answer:
        with failures_named(f"{method} /api{path}"):
            response = self._session().request(
                method,
                self._api + path,
                params={**params, "admin": "true"},
                json=body,
                auth=BearerToken(token),
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            )
            return read_answer(response, self._now())

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


def level(workflow: Document) -> int:
    """The level that promotion goes by; a missing or odd one counts as 0."""
    configuration = workflow.get("configuration")
    return (_integer(configuration.get("level")) or 0) if isinstance(configuration, dict) else 0


def _integer(value: object) -> int | None:
    """Whole numbers, which Panoptes keeps as whatever the client sent: numbers or their text."""
    if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,18}\s*", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _rows(document: Document, resource: str) -> list[Document]:
    rows = document.get(resource)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise PanoptesError(f"Panoptes answered without {resource}", permanent=False)
    return rows
