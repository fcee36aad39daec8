"""Who may do what: one table, and the check before every request that keeps to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from flask import current_app, g, request
from sqlalchemy import bindparam, select
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, NotFound, Unauthorized

from caesar_web.access import trail
from caesar_web.access.identity import BadToken, identity, identity_if_any
from caesar_web.access.membership import may_touch
from caesar_web.access.negotiation import wants_page
from caesar_web.domain.events import LARGEST_ID
from caesar_web.store.configuration import Project, Workflow
from caesar_web.store.queries import reading

View = TypeVar("View", bound=Callable[..., object])


EITHER = "public_data"  # one of the flags: which of them counts is for the view to say


class Who(Enum):
    """Who may do something; each may also do what those before may."""

    ANYONE = "anyone"
    SIGNED_IN = "anybody who is signed in"
    MEMBER = "owners and collaborators of the project"
    ADMIN = "administrators"


@dataclass(frozen=True)
class Permission:
    """A row of the table.

    `public` is the flag of the workflow or project that opens it to those of `opened_to`; `own`
    opens to those who are signed in what is about themselves. `otherwise_empty`: those who are
    signed in and may not see it get an empty list, as clients know it, and not a 404. Where it is
    not `for_people`, nobody is asked who they are, so that it needs no database.
    """

    who: Who
    public: str | None = None
    otherwise_empty: bool = False
    for_people: bool = True
    own: bool = False
    opened_to: Who = Who.ANYONE

    def described(self) -> str:
        """Who may, in words."""
        said = [self.who.value, *(["users what is about themselves"] if self.own else [])]
        if self.public:
            flag = "public_extracts or public_reductions" if self.public == EITHER else self.public
            said.append(f"{self.opened_to.value} where {flag} is on")
        return "; ".join(said)


PERMISSIONS: dict[str, Permission] = {
    "load static files": Permission(Who.ANYONE),
    "see the status": Permission(Who.ANYONE),
    "sign in and out": Permission(Who.ANYONE),
    "post to the stream": Permission(Who.ANYONE),  # it has a password of its own
    "read the metrics": Permission(Who.ANYONE, for_people=False),  # they have a token of their own
    "probe the service": Permission(Who.ANYONE, for_people=False),
    "read the API's description": Permission(Who.ANYONE, for_people=False),
    "list my workflows": Permission(Who.SIGNED_IN),
    "add a workflow": Permission(Who.SIGNED_IN),  # of a project that is theirs: checked when added
    "add a project": Permission(Who.SIGNED_IN),  # one that is theirs: checked when added
    "choose a theme": Permission(Who.ANYONE),
    "read the help": Permission(Who.ANYONE),
    "see a workflow": Permission(Who.MEMBER),
    "see a project": Permission(Who.MEMBER),
    "configure a project": Permission(Who.MEMBER),
    "read extracts": Permission(Who.MEMBER, public="public_extracts", otherwise_empty=True),
    "read reductions": Permission(Who.MEMBER, public="public_reductions"),
    "read a project's reductions": Permission(Who.MEMBER, public="public_reductions"),
    "read user reductions": Permission(
        Who.MEMBER, public="public_reductions", otherwise_empty=True, own=True
    ),
    "see data requests": Permission(Who.MEMBER, public=EITHER, opened_to=Who.SIGNED_IN),
    "ask for data": Permission(Who.MEMBER, public=EITHER, opened_to=Who.SIGNED_IN),
    "ask GraphQL": Permission(Who.ANYONE, for_people=False),  # each field looks at who asks
    "fetch a file by its link": Permission(Who.ANYONE),  # the link is signed
    "configure a workflow": Permission(Who.MEMBER),
    "read a workflow's trail": Permission(Who.MEMBER),
    "freeze everywhere": Permission(Who.ADMIN),
    "act as administrator": Permission(Who.SIGNED_IN),  # does nothing for those who are none
    "read the whole trail": Permission(Who.ADMIN),
    "operate the service": Permission(Who.ADMIN),
}


@dataclass(frozen=True)
class Place:
    """The workflow that a request is about."""

    workflow_id: int
    name: str | None
    project_id: int
    project_name: str | None
    status: str
    public_extracts: bool
    public_reductions: bool

    @property
    def public_data(self) -> bool:
        """Whether others may see something of what came in."""
        return self.public_extracts or self.public_reductions


class NotSignedIn(Unauthorized):
    """Nobody is signed in, or their token is not accepted."""


class NotAllowed(Forbidden):
    """Somebody is signed in who may not do this."""


class Hidden(NotFound):
    """It does not exist, or not for this caller: which of the two, nobody is told."""

    def __init__(self, model: str, id: object, *, as_empty: bool = False) -> None:
        super().__init__(f"Couldn't find {model} with 'id'={id}")
        self.as_empty = as_empty


def permit(action: str) -> Callable[[View], View]:
    """Declares which row of the table a route keeps to."""
    if action not in PERMISSIONS:
        raise LookupError(f"no permission is called {action!r}")

    def declare(view: View) -> View:
        view.permission = action  # type: ignore[attr-defined]  # functions take attributes
        return view

    return declare


def declared(endpoint: str) -> str:
    """What the route of an endpoint has declared. Raises LookupError where it has not."""
    if endpoint == "static" or endpoint.endswith(".static"):
        return "load static files"
    view = current_app.view_functions[endpoint]
    action: str | None = getattr(view, "permission", None)
    if action is None:
        raise LookupError(f"the route {endpoint} declares no permission")
    return action


def check() -> None:
    """Lets a request pass, or raises NotSignedIn, NotAllowed or Hidden, and notes it."""
    if request.endpoint is None or request.method == "OPTIONS":
        return  # nowhere to go, or a browser that asks whether it may ask
    _refuse_nul()
    action = declared(request.endpoint)
    permission = PERMISSIONS[action]
    if permission.who is Who.ANYONE:
        if permission.for_people and wants_page():
            identity_if_any()  # every page names who is signed in; views have transactions open
        return
    named = request.view_args or {}
    workflow_id = named.get("workflow_id")
    g.place = None if workflow_id is None else find_place(workflow_id)
    try:
        _check(permission, g.place, named)
    except (NotSignedIn, NotAllowed, Hidden) as refusal:
        if not _only_looks(refusal):
            known = None if g.place is None else g.place.workflow_id
            trail.refused(action, status=refusal.code or 0, workflow_id=known)
        raise


def place() -> Place:
    """The workflow that the path of this request names, which the caller may see."""
    found: Place = g.place
    return found


def _refuse_nul() -> None:
    """Nothing that is kept has this character, and PostgreSQL fails where it is looked for."""
    if any("\0" in text for text in (request.path, *request.args.values())):
        raise BadRequest("the address holds a NUL character")


def _check(permission: Permission, found: Place | None, named: Mapping[str, object]) -> None:
    try:
        caller = identity()
    except BadToken as problem:
        raise NotSignedIn(str(problem)) from None
    is_open = permission.public is not None and _is_open(permission.public, found, named)
    if is_open and permission.opened_to is Who.ANYONE:
        return
    if caller is None:
        raise NotSignedIn
    asked_for = named.get("user_id", request.args.get("user_id", 0, int))
    if is_open or (permission.own and caller.user_id == asked_for):
        return
    if permission.who is Who.ADMIN and not caller.acts_as_admin:
        raise NotAllowed
    if permission.who is not Who.MEMBER:
        return
    if "project_id" in named:
        if not may_touch(_id(named["project_id"])):
            raise Hidden("Project", named["project_id"], as_empty=permission.otherwise_empty)
    elif not may_touch(None if found is None else found.project_id):
        raise Hidden("Workflow", named.get("workflow_id"), as_empty=permission.otherwise_empty)


def _is_open(flag: str, found: Place | None, named: Mapping[str, object]) -> bool:
    """Whether this flag of the workflow is on; of a project, which has no other than this one."""
    if found is not None:
        return bool(getattr(found, flag))
    project_id = _id(named.get("project_id"))
    if project_id is None:
        return False
    with reading() as session:
        wanted = select(Project.public_reductions).where(Project.id == project_id)
        return bool(session.scalar(wanted))


def _id(value: object) -> int | None:
    return value if isinstance(value, int) and 0 < value <= LARGEST_ID else None


def _only_looks(refusal: HTTPException) -> bool:
    """Whether somebody has just opened a page, who is asked to sign in."""
    return isinstance(refusal, NotSignedIn) and request.method == "GET" and wants_page()


# Made once: nearly every request looks for one.
_FIND = select(
    Workflow.id,
    Workflow.name,
    Workflow.project_id,
    Workflow.project_name,
    Workflow.status,
    Workflow.public_extracts,
    Workflow.public_reductions,
).where(Workflow.id == bindparam("workflow_id"))


def find_place(workflow_id: int) -> Place | None:
    """The workflow of this id, whoever may see it."""
    if workflow_id > LARGEST_ID:
        return None
    with reading() as session:
        row = session.execute(_FIND, {"workflow_id": workflow_id}).one_or_none()
    return None if row is None else Place(*row)
