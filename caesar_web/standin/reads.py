"""The API's reads."""

from flask import Blueprint, Response, request

from caesar_web.standin import rows
from caesar_web.standin.access import Caller, caller, ids_asked_for, logged_in
from caesar_web.standin.classifications import Query, Row
from caesar_web.standin.envelope import ApiError, countless_listing, listing, not_found, single
from caesar_web.standin.state import locked_world
from caesar_web.standin.world import JSON, Preference, Project, Subject, World

blueprint = Blueprint("reads", __name__, url_prefix="/api")


def seen_project(world: World, project_id: int, *, by: Caller) -> Project | None:
    """The project, if it exists and the caller may see it."""
    project = world.projects.get(project_id)
    return project if project and by.may_see(project) else None


@blueprint.get("/me")
def me() -> Response:
    with locked_world():
        return single("users", rows.user_row(logged_in().account))


@blueprint.get("/projects")
def projects() -> Response:
    person = caller()
    roles = _roles_asked_for()

    def shown(project: Project) -> bool:
        if roles and person.user:  # for a caller it does not know Panoptes forgets this filter
            return project.has_role(person.user, roles)
        return person.may_see(project)

    ids = ids_asked_for("id")
    slug = request.args.get("slug")
    with locked_world() as world:
        found = [
            project
            for project in world.projects.values()
            if shown(project) and _in(ids, project.id) and slug in (None, project.slug)
        ]
        return listing(
            "projects",
            sorted(found, key=lambda project: project.id),
            lambda project: rows.project_row(world, project),
            filters=("id", "slug"),
        )


@blueprint.get("/projects/<int:project_id>")
def project(project_id: int) -> Response:
    with locked_world() as world:
        found = seen_project(world, project_id, by=caller())
        if found is None:
            raise not_found("project", project_id)
        return single("projects", rows.project_row(world, found))


@blueprint.get("/workflows")
@blueprint.get("/workflows/", endpoint="workflows_of_empty_id")
def workflows() -> Response:
    """All workflows; a client that has an empty id asks for `/workflows/` and gets these too."""
    ids, project_ids = ids_asked_for("id"), ids_asked_for("project_id")
    with locked_world() as world:
        found = (
            workflow
            for workflow in world.workflows.values()
            if seen_project(world, workflow.project_id, by=caller())
            and _in(ids, workflow.id)
            and _in(project_ids, workflow.project_id)
        )
        return listing(
            "workflows",
            found,
            lambda workflow: rows.workflow_row(world, workflow),
            filters=("id", "project_id"),
        )


@blueprint.get("/workflows/<int:workflow_id>")
def workflow(workflow_id: int) -> Response:
    with locked_world() as world:
        found = world.workflows.get(workflow_id)
        if found is None or not seen_project(world, found.project_id, by=caller()):
            raise not_found("workflow", workflow_id)
        return single("workflows", rows.workflow_row(world, found))


@blueprint.get("/subject_sets")
def subject_sets() -> Response:
    project_ids, workflow_ids = ids_asked_for("project_id"), ids_asked_for("workflow_id")
    with locked_world() as world:
        found = (
            subject_set
            for subject_set in world.subject_sets.values()
            if seen_project(world, subject_set.project_id, by=caller())
            and _in(project_ids, subject_set.project_id)
            and (workflow_ids is None or not workflow_ids.isdisjoint(subject_set.workflow_ids))
        )
        filters = ("project_id", "workflow_id")
        return listing("subject_sets", found, rows.subject_set_row, filters=filters)


@blueprint.get("/subject_sets/<int:set_id>")
def subject_set(set_id: int) -> Response:
    with locked_world() as world:
        found = world.subject_sets.get(set_id)
        if found is None or not seen_project(world, found.project_id, by=caller()):
            raise not_found("subject_set", set_id)
        return single("subject_sets", rows.subject_set_row(found))


@blueprint.get("/set_member_subjects")
def set_member_subjects() -> Response:
    """Which subject is in which set, as the Python client asks before it adds one."""
    set_ids, subject_ids = ids_asked_for("subject_set_id"), ids_asked_for("subject_id")
    with locked_world() as world:
        found = [
            (subject_set.id, subject_id)
            for subject_set in world.subject_sets.values()
            if _in(set_ids, subject_set.id)
            and seen_project(world, subject_set.project_id, by=caller())
            for subject_id in subject_set.subject_ids
            if _in(subject_ids, subject_id)
        ]
        filters = ("subject_id", "subject_set_id")
        return listing("set_member_subjects", found, rows.membership_row, filters=filters)


@blueprint.get("/collections")
def collections() -> Response:
    owners, project_ids = request.args.get("owner"), ids_asked_for("project_ids", "project_id")
    with locked_world() as world:
        found = [
            row
            for row in world.collections.values()
            if (owners is None or world.users[row.owner_id].login in owners.split(","))
            and (project_ids is None or not project_ids.isdisjoint(row.project_ids))
        ]
        filters = ("owner", "project_id", "project_ids")
        return listing(
            "collections", found, lambda row: rows.collection_row(world, row), filters=filters
        )


@blueprint.get("/collections/<int:collection_id>")
def collection(collection_id: int) -> Response:
    with locked_world() as world:
        found = world.collections.get(collection_id)
        if found is None:
            raise not_found("collection", collection_id)
        return single("collections", rows.collection_row(world, found))


@blueprint.get("/subjects")
def subjects() -> Response:
    workflow_ids, set_ids = ids_asked_for("workflow_id"), ids_asked_for("subject_set_id")
    with locked_world() as world:
        found = _seen_subjects(world, by=caller())
        if workflow_ids is not None:
            members = [world.subjects_of_workflow(workflow_id) for workflow_id in workflow_ids]
            found = [subject for subject in found if any(subject.id in row for row in members)]
        if set_ids is not None:
            chosen = [world.subject_sets[set_id] for set_id in set_ids & world.subject_sets.keys()]
            found = [row for row in found if any(row.id in member.subject_ids for member in chosen)]
        return listing(
            "subjects",
            sorted(found, key=lambda subject: subject.id),
            lambda subject: rows.subject_row(world, subject),
            filters=("project_id", "subject_set_id", "workflow_id"),
        )


@blueprint.get("/subjects/<int:subject_id>")
def subject(subject_id: int) -> Response:
    with locked_world() as world:
        found = world.subjects.get(subject_id)
        if found is None or not seen_project(world, found.project_id, by=caller()):
            raise not_found("subject", subject_id)
        if not _in(ids_asked_for("project_id"), found.project_id):
            nothing: list[JSON] = []
            return listing("subjects", nothing, dict, filters=("project_id",))
        return single("subjects", rows.subject_row(world, found))


@blueprint.get("/classifications/project")
def classifications() -> Response:
    person = logged_in("classification")
    if "last_id" in request.args and "project_id" not in request.args:
        raise ApiError(422, "Project ID required if last_id is included")
    with locked_world() as world:
        own = frozenset(row.id for row in world.projects.values() if person.may_edit(row))
        asked = ids_asked_for("project_id")
        query = Query(
            project_ids=asked if person.admin else own if asked is None else own & asked,
            workflow_ids=ids_asked_for("workflow_id"),
            subject_ids=ids_asked_for("subject_id", "subject_ids"),
            user_ids=ids_asked_for("user_id"),
            after_id=request.args.get("last_id", type=int),
        )
        filters = ("last_id", "project_id", "subject_id", "subject_ids", "user_id", "workflow_id")
        return countless_listing(
            "classifications",
            world.classifications.find(query),
            Row.as_json,
            path="/classifications/project",
            filters=filters,
        )


@blueprint.get("/project_preferences")
def project_preferences() -> Response:
    person = logged_in("project")
    user_ids, project_ids = ids_asked_for("user_id"), ids_asked_for("project_id")
    with locked_world() as world:
        found = (
            preference
            for preference in world.preferences.values()
            if _may_see_preference(person, preference)
            and _in(user_ids, preference.user_id)
            and _in(project_ids, preference.project_id)
        )
        filters = ("project_id", "user_id")
        return listing("project_preferences", found, rows.preference_row, filters=filters)


@blueprint.get("/project_preferences/<int:preference_id>")
def project_preference(preference_id: int) -> Response:
    person = logged_in("project")
    with locked_world() as world:
        found = own_preference(world, preference_id, by=person)
        return single("project_preferences", rows.preference_row(found))


@blueprint.get("/subject_workflow_statuses")
def subject_workflow_statuses() -> Response:
    workflow_ids, subject_ids = ids_asked_for("workflow_id"), ids_asked_for("subject_id")
    with locked_world() as world:
        found = [
            status
            for status in world.statuses.values()
            if _in(workflow_ids, status.workflow_id)
            and _in(subject_ids, status.subject_id)
            and seen_project(world, world.workflows[status.workflow_id].project_id, by=caller())
        ]
        return countless_listing(
            "subject_workflow_statuses",
            found,
            lambda status: rows.status_row(world, status),
            path="/subject_workflow_statuses",
            filters=("subject_id", "workflow_id"),
        )


def own_preference(world: World, preference_id: int, *, by: Caller) -> Preference:
    """The preference row, which must be the caller's own unless they act as admin."""
    found = world.preferences.get(preference_id)
    if found is None or not _may_see_preference(by, found):
        raise not_found("project_preference", preference_id)
    return found


def _may_see_preference(person: Caller, preference: Preference) -> bool:
    return person.admin or (person.user is not None and person.user.id == preference.user_id)


def _seen_subjects(world: World, *, by: Caller) -> list[Subject]:
    project_ids = ids_asked_for("project_id")
    seen = {
        row.id for row in world.projects.values() if by.may_see(row) and _in(project_ids, row.id)
    }
    return [row for row in world.subjects.values() if row.project_id in seen]


def _roles_asked_for() -> frozenset[str]:
    texts = [
        *request.args.getlist("current_user_roles[]"),
        *request.args.getlist("current_user_roles"),
    ]
    return frozenset(part.strip() for text in texts for part in text.split(",") if part.strip())


def _in(ids: frozenset[int] | None, value: int) -> bool:
    return ids is None or value in ids
