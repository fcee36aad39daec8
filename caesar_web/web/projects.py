"""Pages of projects: those that are mine, and one of them with its workflows and reducers."""

from collections.abc import Sequence
from functools import partial

from flask import Blueprint, Response, flash, redirect, url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from caesar_web.access import membership
from caesar_web.access.negotiation import wants_page
from caesar_web.access.permissions import permit
from caesar_web.access.settings import change_project
from caesar_web.api import projects as api
from caesar_web.domain.events import LARGEST_ID
from caesar_web.domain.lights import Light
from caesar_web.store import queries
from caesar_web.store.configuration import Project, Reducer
from caesar_web.store.health_statements import lights_of_reducers
from caesar_web.store.queries import reading
from caesar_web.store.snapshot import Reducible, reducer_of
from caesar_web.web import forms, listed, part_page, states
from caesar_web.web.pages import page
from caesar_web.web.states import State

blueprint = Blueprint("projects", __name__, url_prefix="/projects")


@blueprint.get("")
@permit("list my workflows")
def index() -> Response:
    """Those projects that are yours and were added, by id."""
    if not wants_page():
        return api.listed()
    project_ids = membership.projects()
    with reading() as session:
        return page("projects/index.html", projects=listed.projects(session, project_ids))


@blueprint.get("/<int:project_id>")
@permit("see a project")
def show(project_id: int) -> Response:
    """One project."""
    if not wants_page():
        return api.shown(project_id)
    with reading() as session:
        project = session.get(Project, project_id)
        workflows = listed.workflows(session, [project_id])
        if project is None and not workflows:
            raise NotFound
        reducers = queries.reducers(session, "Project", project_id)
        return page(
            "projects/show.html",
            project_id=project_id,
            project=project,
            name=(workflows and workflows[0].workflow.project_name) or f"Project {project_id}",
            workflows=workflows,
            reducers=_with_lights(session, reducers),
            state=states.state_of(project) if project else None,
            to_reducers=url_for("project_reducers.index", project_id=project_id),
        )


@blueprint.post("")
@permit("add a project")
def create() -> Response:
    """Adds a project for a client."""
    return api.created()


@blueprint.route("/<int:project_id>", methods=["PUT", "PATCH"])
@permit("configure a project")
def update(project_id: int) -> Response:
    """Changes a project's settings."""
    return api.changed(project_id)


@blueprint.route("/<int:project_id>/settings", methods=["GET", "POST"])
@permit("configure a project")
def settings(project_id: int) -> AnyResponse:
    """Of a project that is here: its row comes with its first reducer."""
    with reading() as session:
        project = session.get(Project, project_id) if project_id <= LARGEST_ID else None
        if project is None:
            raise NotFound
        name = project.display_name or f"Project {project_id}"
        public, state = project.public_reductions, states.state_of(project)
    form = forms.ProjectSettings.of_page(public_reductions=public)
    if form.is_submitted() and form.validate():
        _save(form, project_id)
        return redirect(url_for("projects.show", project_id=project_id))
    return page(
        "projects/settings.html",
        status=422 if form.errors else 200,
        form=form,
        project_id=project_id,
        name=name,
        state=state,
        **part_page.states_of(state, "project"),
    )


def _save(form: forms.ProjectSettings, project_id: int) -> None:
    wanted = form.status.data or None
    public = form.public_reductions.data
    saved = change_project(project_id, status=wanted, public_reductions=public)
    flash("The settings are saved." if saved.changed else "The settings were so already.")
    if wanted is not None and wanted != saved.moved.before:
        flash(states.said("project", saved.moved, wanted, Reducible("Project", project_id)))


def _with_lights(
    session: Session, reducers: Sequence[Reducer]
) -> list[tuple[Reducer, Light, State]]:
    kept = lights_of_reducers(session, [row.id for row in reducers])
    return [
        (
            row,
            part_page.light(kept.get(row.id), check=partial(reducer_of, row)),
            states.state_of(row),
        )
        for row in reducers
    ]
