"""What pages offer to choose from, as Panoptes shows it to the caller; ids can be typed anyway."""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace

from caesar_web.access import membership, parts
from caesar_web.access.identity import Identity, identity
from caesar_web.access.permissions import NotSignedIn
from caesar_web.access.remembering import asked
from caesar_web.panoptes.listings import Listed, Listing, Viewer
from caesar_web.store import queries
from caesar_web.store.credential_statements import digest

AWAY = "This list cannot be read from Zooniverse at the moment. You can type an id."


@dataclass(frozen=True)
class Choice:
    """Something of Panoptes that a person may pick, and words that say where it is."""

    id: int
    name: str
    where: str


@dataclass(frozen=True)
class Choices:
    """What there is to pick; there may be more unless it `is_whole`. A `problem` says why not."""

    options: tuple[Choice, ...]
    is_whole: bool
    problem: str | None = None


@dataclass(frozen=True)
class WorkflowChoice:
    """A workflow that may be added, unless it `is_here`."""

    id: int
    name: str
    project_id: int
    project_name: str
    is_here: bool


@dataclass(frozen=True)
class WorkflowChoices:
    """As Choices, with workflows as they are added."""

    options: tuple[WorkflowChoice, ...]
    is_whole: bool
    problem: str | None = None


NOTHING = Choices((), is_whole=False, problem=AWAY)
NO_WORKFLOWS = WorkflowChoices((), is_whole=False, problem=AWAY)


def workflows_to_add() -> WorkflowChoices:
    """The workflows of the caller's projects; of an administrator's, those of projects here."""
    caller = _caller()

    def ask() -> WorkflowChoices:
        own, viewer = _own_projects(), _viewer(caller)
        listing = parts.listings().workflows(viewer, own)
        names = _project_names(viewer, listing, own)
        rows = [
            WorkflowChoice(row.id, row.name, id, names[id], is_here=False)
            for row in listing.rows
            for id in sorted(names.keys() & row.project_ids)
        ]
        rows.sort(key=lambda row: (row.project_name, row.project_id, row.name.casefold(), row.id))
        return WorkflowChoices(tuple(rows), listing.is_whole)

    found = asked(_key(caller, "workflows to add"), ask, otherwise=NO_WORKFLOWS)
    here = _workflows_here({row.project_id for row in found.options})
    options = tuple(replace(row, is_here=row.id in here) for row in found.options)
    return replace(found, options=options)


def workflows(project_ids: Iterable[int]) -> Choices:
    """The workflows of these projects, as far as they are the caller's."""
    return _of_projects("workflows", parts.listings().workflows, project_ids)


def subject_sets(project_ids: Iterable[int]) -> Choices:
    """The subject sets of these projects, as far as they are the caller's."""
    return _of_projects("subject sets", parts.listings().subject_sets, project_ids)


def collections() -> Choices:
    """The collections of the caller, and those that belong to one of their projects."""
    caller = _caller()

    def ask() -> Choices:
        own, viewer = _own_projects(), _viewer(caller)
        listing = parts.listings().collections(
            viewer, own, owner_id=caller.user_id, login=caller.login
        )
        names = _project_names(viewer, listing, own)
        return _choices(listing, names, user_id=caller.user_id)

    return asked(_key(caller, "collections"), ask, otherwise=NOTHING)


def _of_projects(
    kind: str, listed: Callable[[Viewer, Collection[int]], Listing], project_ids: Iterable[int]
) -> Choices:
    caller, wanted = _caller(), frozenset(project_ids)

    def ask() -> Choices:
        own, viewer = membership.projects(), _viewer(caller)
        allowed = wanted if own is None else wanted.intersection(own)
        listing = listed(viewer, allowed)
        names = _project_names(viewer, listing, allowed)
        return _choices(listing, names, user_id=caller.user_id)

    return asked(_key(caller, kind, wanted), ask, otherwise=NOTHING)


def _choices(listing: Listing, names: Mapping[int, str], *, user_id: int) -> Choices:
    """By project and name. Of other projects, which may be private, nothing is said."""
    rows = []
    for row in listing.rows:
        places = sorted(names[id] for id in names.keys() & row.project_ids)
        where = ", ".join([*places, *_said(row, user_id=user_id)])
        rows.append((places, Choice(row.id, row.name, where)))
    rows.sort(key=lambda found: (found[0], found[1].name.casefold(), found[1].id))
    return Choices(tuple(choice for _, choice in rows), listing.is_whole)


def _said(row: Listed, *, user_id: int) -> Iterable[str]:
    if row.owner_id == user_id:
        yield "yours"
    if not row.is_active:
        yield "not active"
    if row.subjects_count is not None:
        yield f"{row.subjects_count:,} {'subject' if row.subjects_count == 1 else 'subjects'}"


def _project_names(
    viewer: Viewer, listing: Listing, project_ids: Collection[int]
) -> dict[int, str]:
    """The names of those of the projects that rows of a list belong to."""
    wanted = {id for row in listing.rows for id in row.project_ids}.intersection(project_ids)
    named = {row.id: row.name for row in parts.listings().projects(viewer, wanted).rows}
    return {id: named.get(id, f"project {id}") for id in wanted}


def _own_projects() -> Collection[int]:
    own = membership.projects()
    if own is not None:
        return own
    with queries.reading() as session:
        return {row.project_id for row in queries.workflows(session, project_ids=None)}


def _workflows_here(project_ids: Collection[int]) -> set[int]:
    with queries.reading() as session:
        return {row.id for row in queries.workflows(session, project_ids=sorted(project_ids))}


def _caller() -> Identity:
    caller = identity()
    if caller is None:
        raise NotSignedIn
    return caller


def _viewer(caller: Identity) -> Viewer:
    return Viewer(caller.access_token, as_admin=caller.acts_as_admin)


def _key(caller: Identity, *words: Hashable) -> Hashable:
    """A session's or a token's own, so that nobody sees what another was shown."""
    return digest(caller.secret), caller.acts_as_admin, words
