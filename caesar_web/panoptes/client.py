"""The reads and the effects that the service account performs in Panoptes."""

import re
import time
from collections.abc import Callable, Iterator, Sequence

import requests

from caesar_web.domain.hosts import host_of
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
from caesar_web.panoptes.tokens import ServiceTokens

DUPLICATE_IN_SET = "PG::UniqueViolation"
DUPLICATE_IN_COLLECTION = "already in the collection"


class Panoptes:
    """Panoptes as the service account sees it. Safe to share between threads."""

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str,
        *,
        timeout: Timeout = TIMEOUT,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.host = host_of(url)
        self._connection = Connection(url, timeout=timeout, now=now)
        self._tokens = ServiceTokens(url, client_id, client_secret, now=now, timeout=timeout)

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

    def subject(self, subject_id: int) -> Document:
        """The subject's row, with its metadata and locations."""
        return self._row("subjects", subject_id)

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
        self._change_settings(user_id, project_id, {"workflow_id": str(workflow_id)})
        return True

    def set_subject_set_chance(
        self,
        user_id: int,
        *,
        project_id: int,
        workflow_id: int,
        subject_set_id: int,
        chance: float,
    ) -> bool:
        """Say how often (0 to 1) the user gets the set's subjects; False where that is so already.

        All other chances stay, but for one that somebody else changes in the same moment.
        """
        designator = _object(self._settings(user_id, project_id, "to set chances in"), "designator")
        chances = _object(designator, "subject_set_chances")
        own = _object(chances, str(workflow_id))
        if own.get(str(subject_set_id)) == chance:
            return False
        chances = {**chances, str(workflow_id): {**own, str(subject_set_id): chance}}
        designator = {**designator, "subject_set_chances": chances}
        self._change_settings(user_id, project_id, {"designator": designator})
        return True

    def pages(self, path: str, params: Params) -> Iterator[Document]:
        """The documents of a list, page by page; `path` is relative to the API."""
        yield from documents_of_list(
            lambda page, asked: self._call("GET", page, params=asked), path, params
        )

    def close(self) -> None:
        """Close the calling thread's connections."""
        self._connection.close()

    def _row(self, resource: str, row_id: int) -> Document:
        path = f"/{resource}/{row_id}"
        rows = rows_of(self._call("GET", path).json(), resource)
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
        settings = self._settings(user_id, project_id, "to promote them in")
        return _integer(settings.get("workflow_id"))

    def _settings(self, user_id: int, project_id: int, purpose: str) -> Document:
        params = {"project_id": project_id, "user_id": user_id}
        document = self._call("GET", "/project_preferences", params=params).json()
        rows = rows_of(document, "project_preferences")
        if not rows:
            raise PanoptesError(
                f"User {user_id} has no preferences in project {project_id} {purpose}",
                permanent=True,
            )
        return _object(rows[0], "settings")

    def _change_settings(self, user_id: int, project_id: int, settings: Document) -> None:
        body = {"user_id": user_id, "project_id": project_id, "settings": settings}
        # Unlike a PUT of the row, this keeps the other settings; each of these is replaced whole.
        self._write("/project_preferences/update_settings", {"project_preferences": body})

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
        everything: Params = {**params, "admin": "true"}
        return self._connection.request(method, path, token=token, params=everything, body=body)


def level(workflow: Document) -> int:
    """The level that promotion goes by; a missing or odd one counts as 0."""
    configuration = workflow.get("configuration")
    return (_integer(configuration.get("level")) or 0) if isinstance(configuration, dict) else 0


def _object(row: Document, key: str) -> Document:
    found = row.get(key)
    return found if isinstance(found, dict) else {}


def _integer(value: object) -> int | None:
    """Whole numbers, which Panoptes keeps as whatever the client sent: numbers or their text."""
    if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,18}\s*", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
