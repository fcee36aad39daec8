"""Lists of Panoptes as a person's token shows them, for pages that offer names to choose from."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from caesar_web.domain.effects import panoptes_id
from caesar_web.domain.options import Unreadable
from caesar_web.domain.values import Unstorable, check_storable
from caesar_web.panoptes.connection import Connection, Document, Params, documents_of_list, rows_of
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.panoptes.exchange import Answer, Timeout
from caesar_web.panoptes.tokens import is_token

ROW_LIMIT = 1000
PAGE_SIZE = 100
IDS_AT_ONCE = 100  # in the address of a request, which may not be too long
LONGEST_SECONDS = 3.0  # for a list; what comes later is left out
TIMEOUT: Timeout = (2.0, 3.0)


@dataclass(frozen=True)
class Viewer:
    """Whose eyes a list is read with; `as_admin` asks for what administrators see."""

    access: str = field(repr=False)
    as_admin: bool = False


@dataclass(frozen=True)
class Listed:
    """A row of a list, as far as its kind says these things."""

    id: int
    name: str
    project_ids: frozenset[int]
    owner_id: int | None
    is_active: bool
    subjects_count: int | None


@dataclass(frozen=True)
class Listing:
    """What was found; there may be more unless it `is_whole`."""

    rows: tuple[Listed, ...]
    is_whole: bool


class Listings:
    """Panoptes' lists for people who wait for a page. Safe to share between threads.

    Every list raises PanoptesError where Panoptes is away or answers with something else.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: Timeout = TIMEOUT,
        now: Callable[[], float] = time.time,
        passing: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = Connection(url, timeout=timeout, now=now)
        self._passing = passing

    def projects(self, viewer: Viewer, ids: Iterable[int]) -> Listing:
        """The projects with these ids."""
        wanted = frozenset(ids)
        return self._listed(
            viewer, "projects", asked=_by_ids("id", wanted), fits=lambda row: row.id in wanted
        )

    def workflows(self, viewer: Viewer, project_ids: Iterable[int]) -> Listing:
        """The workflows of these projects."""
        return self._of_projects(viewer, "workflows", frozenset(project_ids))

    def subject_sets(self, viewer: Viewer, project_ids: Iterable[int]) -> Listing:
        """The subject sets of these projects."""
        return self._of_projects(viewer, "subject_sets", frozenset(project_ids))

    def collections(
        self, viewer: Viewer, project_ids: Iterable[int], *, owner_id: int, login: str
    ) -> Listing:
        """The collections of a user, and those that belong to one of these projects."""
        wanted = frozenset(project_ids)
        return self._listed(
            viewer,
            "collections",
            asked=[{"owner": login}, *_by_ids("project_ids", wanted)],
            fits=lambda row: row.owner_id == owner_id or not wanted.isdisjoint(row.project_ids),
        )

    def close(self) -> None:
        """Close the calling thread's connections."""
        self._connection.close()

    def _of_projects(self, viewer: Viewer, resource: str, project_ids: frozenset[int]) -> Listing:
        return self._listed(
            viewer,
            resource,
            asked=_by_ids("project_id", project_ids),
            fits=lambda row: not project_ids.isdisjoint(row.project_ids),
        )

    def _listed(
        self,
        viewer: Viewer,
        resource: str,
        *,
        asked: Iterable[Params],
        fits: Callable[[Listed], bool],
    ) -> Listing:
        """What fits, whatever else comes: Panoptes forgets filters that it does not know."""
        until = self._passing() + LONGEST_SECONDS
        found: dict[int, Listed] = {}
        for document in self._documents(viewer, resource, asked):
            rows = (_read(row) for row in rows_of(document, resource))
            found |= {row.id: row for row in rows if row is not None and fits(row)}
            if len(found) > ROW_LIMIT or self._passing() > until:
                return Listing(tuple(islice(found.values(), ROW_LIMIT)), is_whole=False)
        return Listing(tuple(found.values()), is_whole=True)

    def _documents(
        self, viewer: Viewer, resource: str, asked: Iterable[Params]
    ) -> Iterator[Document]:
        if not is_token(viewer.access):
            raise PanoptesError("there is no token to ask Panoptes with", permanent=True)
        always: Params = {"page_size": PAGE_SIZE} | ({"admin": "true"} if viewer.as_admin else {})

        def get(path: str, params: Params) -> Answer:
            return self._connection.request("GET", path, token=viewer.access, params=params)

        for params in asked:
            yield from documents_of_list(get, f"/{resource}", {**params, **always})


def _by_ids(name: str, ids: Iterable[int]) -> Iterator[Params]:
    ordered = sorted(ids)
    for start in range(0, len(ordered), IDS_AT_ONCE):
        yield {name: ",".join(str(id) for id in ordered[start : start + IDS_AT_ONCE])}


def _read(row: Document) -> Listed | None:
    """A row; None where it has no id or no name that a page can show."""
    id, name = _id(row.get("id")), _name(row.get("display_name"))
    if id is None or not name:
        return None
    links = _object(row.get("links"))
    owner = _object(links.get("owner"))
    is_user = owner.get("type", "users") == "users"  # groups have ids of their own
    projects = links.get("projects")
    linked = [links.get("project"), *(projects if isinstance(projects, list) else ())]
    count = row.get("set_member_subjects_count")
    return Listed(
        id,
        name,
        frozenset(found for found in map(_id, linked) if found is not None),
        owner_id=_id(owner.get("id")) if is_user else None,
        is_active=row.get("active") is not False,
        subjects_count=count if type(count) is int and count >= 0 else None,
    )


def _object(value: Any) -> Document:
    return value if isinstance(value, dict) else {}


def _id(value: Any) -> int | None:
    try:
        return panoptes_id(value)
    except Unreadable:
        return None


def _name(value: Any) -> str:
    try:
        check_storable(value)
    except Unstorable:
        return ""
    return " ".join(value.split()) if isinstance(value, str) else ""
