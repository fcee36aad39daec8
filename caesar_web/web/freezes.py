"""Pages on which effects are frozen and thawed: of a workflow, of a project, everywhere."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response as AnyResponse

from caesar_web.access import freezing, parts
from caesar_web.access.permissions import permit
from caesar_web.domain.events import LARGEST_ID
from caesar_web.store import frozen_actions, queries
from caesar_web.store.action_pages import OF
from caesar_web.store.freeze_statements import EVERYWHERE, freezes
from caesar_web.store.frozen_actions import Frozen, FrozenAct
from caesar_web.store.queries import reading
from caesar_web.store.snapshot import Reducible
from caesar_web.web import acts
from caesar_web.web.pages import page

NEWEST = 50

blueprint = Blueprint("freezes", __name__)


@dataclass(frozen=True)
class Scope:
    """What is frozen, what it is called, its page, and which layout that has."""

    of: Reducible
    name: str
    address: str
    layout: str = "freezes/_of_others.html"
    crumbs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Line:
    """One of the actions that wait, in words."""

    act: FrozenAct
    words: str
    target: str
    address: str


@blueprint.route("/workflows/<int:workflow_id>/freeze", methods=["GET", "POST"])
@permit("configure a workflow")
def of_workflow(workflow_id: int) -> AnyResponse:
    address = url_for("freezes.of_workflow", workflow_id=workflow_id)
    own = Reducible("Workflow", workflow_id)
    return _answer(Scope(own, "of this workflow", address, "workflows/_layout.html"))


@blueprint.route("/projects/<int:project_id>/freeze", methods=["GET", "POST"])
@permit("configure a project")
def of_project(project_id: int) -> AnyResponse:
    with reading() as session:
        own = queries.workflows(session, project_ids=[min(project_id, LARGEST_ID)])
        if not own:
            raise NotFound
        name = own[0].project_name or f"Project {project_id}"
    crumbs = (
        ("Projects", url_for("projects.index")),
        (name, url_for("projects.show", project_id=project_id)),
    )
    address = url_for("freezes.of_project", project_id=project_id)
    return _answer(Scope(Reducible("Project", project_id), f"of {name}", address, crumbs=crumbs))


@blueprint.route("/freeze", methods=["GET", "POST"])
@permit("freeze everywhere")
def everywhere() -> AnyResponse:
    return _answer(Scope(EVERYWHERE, "everywhere", url_for("freezes.everywhere")))


def _answer(scope: Scope) -> AnyResponse:
    if request.method == "POST":
        flash(_done(scope))
        return redirect(scope.address)
    with reading() as session:
        return page("freezes/show.html", **_shown(session, scope))


def _done(scope: Scope) -> str:
    """Does what a button says; how it went."""
    match request.form.get("do"):
        case "freeze":
            is_new = freezing.freeze(scope.of)
            return "The effects are frozen." if is_new else "The effects were frozen already."
        case "thaw":
            was_frozen = freezing.thaw(scope.of)
            return "What waited is sent now." if was_frozen else "The effects were not frozen."
        case "discard":
            return _discarded(scope)
    raise BadRequest


def _discarded(scope: Scope) -> str:
    number, up_to = _sent("number"), {of: _sent(of) for of in OF}
    if not freezing.discard(scope.of, up_to, number=number):
        return "Nothing is discarded: meanwhile it is not that number any more. Look again."
    return f"{number:,} are discarded. Each can be retried on its workflow’s Activity."


def _sent(name: str) -> int:
    given = request.form.get(name, "")
    if not (given.isascii() and given.isdecimal() and len(given) < 20):
        raise BadRequest
    return min(int(given), LARGEST_ID)


def _shown(session: Session, scope: Scope) -> dict[str, Any]:
    now = parts.now()
    found = frozen_actions.waiting(session, scope.of, now=now)
    frozen = freezes(session, [scope.of])
    newest = frozen_actions.newest(session, scope.of, now=now, most=NEWEST)
    return {
        "scope": scope,
        "freeze": frozen[0] if frozen else None,
        "waiting": found,
        "number": sum(one.number for one in found),
        "sent": sum(one.number for one in found if one.goes_on),
        "up_to": {of: _newest_id(found, of) for of in OF},
        "lines": [_line(act) for act in newest],
    }


def _newest_id(found: list[Frozen], of: str) -> int:
    return max((one.newest_id for one in found if one.of == of), default=0)


def _line(act: FrozenAct) -> Line:
    at = {"workflow_id": act.workflow_id, "of": act.of, "action_id": act.id}
    where: dict[str, Any] = at
    return Line(
        act,
        acts.in_words(act.effect_type, act.config),
        f"{acts.TARGETS[act.of]} {act.target_id}",
        url_for("activity.show", **where),
    )
