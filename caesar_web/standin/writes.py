"""The API's writes: retirement, links to sets and collections, preferences."""

from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

from flask import Blueprint, Response, request

from caesar_web.standin import rows
from caesar_web.standin.access import Caller, as_id, json_body, logged_in
from caesar_web.standin.envelope import ApiError, etag, not_found, single
from caesar_web.standin.reads import own_preference, seen_project
from caesar_web.standin.state import current_state, locked_world
from caesar_web.standin.world import JSON, RETIREMENT_REASONS, World

blueprint = Blueprint("writes", __name__, url_prefix="/api")

NOTHING_HERE = "nothing_here"
PREFERENCE_KEYS = frozenset({"settings", "preferences", "email_communication"})
REPLACED_SETTINGS = frozenset({"workflow_id", "hidden"})
MERGED_SETTINGS = frozenset({"workflow_id", "designator"})


@blueprint.post("/workflows/<int:workflow_id>/retired_subjects")
def retire(workflow_id: int) -> Response:
    person, body = logged_in("project"), json_body()
    with locked_world() as world:
        _check_workflow(world, workflow_id, by=person)
        reason = _reason(body.get("retirement_reason"))
        at = current_state().timestamp()
        for subject_id in _subject_ids(body):
            world.retire(workflow_id, subject_id, reason=reason, at=at)
    return Response(status=204)


@blueprint.post("/workflows/<int:workflow_id>/unretire_subjects")
def unretire(workflow_id: int) -> Response:
    person, body = logged_in("project"), json_body()
    with locked_world() as world:
        _check_workflow(world, workflow_id, by=person)
        for subject_id in _subject_ids(body):
            world.unretire(workflow_id, subject_id)
    return Response(status=204)


@blueprint.post("/subject_sets/<int:set_id>/links/subjects")
def add_to_set(set_id: int) -> Response:
    person, body = logged_in("project"), json_body()
    state = current_state()
    with locked_world() as world:
        subject_set = world.subject_sets.get(set_id)
        if subject_set is None or not person.may_edit(world.projects[subject_set.project_id]):
            raise not_found("subject_set", set_id)
        asked = _linked_subjects(body)
        seen = _seen_subjects(world, asked, by=person)
        if not seen and all(subject_id in world.subjects for subject_id in asked):
            raise ApiError(422, "Couldn't find linked subjects for current user")
        if len(seen) < len(asked):
            raise ApiError(422, "Error: check the subject set and all the subjects exist.")
        if state.testing.legacy_duplicates:
            _refuse_legacy_duplicate(subject_set.subject_ids, seen, set_id=set_id)
        subject_set.subject_ids.update(dict.fromkeys(seen))
        answer = single("subject_sets", rows.subject_set_row(subject_set))
    answer.headers["Last-Modified"] = formatdate(state.now(), usegmt=True)
    return answer


@blueprint.post("/collections/<int:collection_id>/links/subjects")
def add_to_collection(collection_id: int) -> Response:
    person, body = logged_in("collection"), json_body()
    with locked_world() as world:
        collection = world.collections.get(collection_id)
        if collection is None or not person.may_edit_collection(collection):
            raise not_found("collection", collection_id)
        asked = _linked_subjects(body)
        seen = _seen_subjects(world, asked, by=person)
        if not seen:
            raise ApiError(422, "Couldn't find linked subjects for current user")
        if any(subject_id in collection.subject_ids for subject_id in seen):
            raise ApiError(400, "Validation failed: Subject is already in the collection")
        collection.subject_ids.update(dict.fromkeys(seen))
        return single("collections", rows.collection_row(world, collection))


@blueprint.put("/project_preferences/<int:preference_id>")
def replace_preference(preference_id: int) -> Response:
    person, body = logged_in("project"), json_body()
    condition = request.headers.get("If-Match")
    if condition is None:
        raise ApiError(428, "Request requires If-Match header to be present")
    with locked_world() as world:
        preference = own_preference(world, preference_id, by=person)
        if condition != etag(rows.preference_row(preference)):
            raise ApiError(412, "The resource has changed since it was read")
        changes = _object(body, "project_preferences")
        _refuse_unknown(changes, PREFERENCE_KEYS, where="#/")
        if "settings" in changes:
            preference.settings = _settings(changes, allowed=REPLACED_SETTINGS)
        if "preferences" in changes:
            preference.preferences = _object(changes, "preferences")
        if "email_communication" in changes:
            preference.email_communication = bool(changes["email_communication"])
        preference.updated_at = current_state().timestamp()
        return single("project_preferences", rows.preference_row(preference))


@blueprint.post("/project_preferences/update_settings")
def merge_settings() -> Response:
    person, body = logged_in("project"), json_body()
    asked = _object(body, "project_preferences")
    user_id, project_id = as_id(asked.get("user_id")), as_id(asked.get("project_id"))
    with locked_world() as world:
        project = None if project_id is None else world.projects.get(project_id)
        if project is None or not person.may_edit(project):
            raise ApiError(403, "You must be the project owner or a collaborator")
        preference = None if user_id is None else world.preference_of(user_id, project.id)
        if preference is None:
            raise ApiError(404, f"Could not find project_preference with user_id='{user_id}'")
        settings = _settings(asked, allowed=MERGED_SETTINGS)
        preference.settings = preference.settings | settings
        preference.updated_at = current_state().timestamp()
        return single("project_preferences", rows.preference_row(preference))


def _check_workflow(world: World, workflow_id: int, *, by: Caller) -> None:
    workflow = world.workflows.get(workflow_id)
    if workflow is None or not by.may_edit(world.projects[workflow.project_id]):
        raise not_found("workflow", workflow_id)


def _reason(given: Any) -> str | None:
    if given == "blank":
        return NOTHING_HERE
    if given is None or given in RETIREMENT_REASONS:
        reason: str | None = given
        return reason
    raise ApiError(422, "Retirement reason is not included in the list")


def _subject_ids(body: JSON) -> list[int]:
    """What `subject_id` and `subject_ids` name together; both may be given."""
    given = body.get("subject_ids", [])
    if not isinstance(given, list):
        raise ApiError(422, "subject_ids must be a list")
    ids = [
        as_id(value) for value in [*given, *([body["subject_id"]] if "subject_id" in body else [])]
    ]
    if not ids or None in ids:
        raise ApiError(422, "subject_id or subject_ids must be given, as ids")
    return [subject_id for subject_id in ids if subject_id is not None]


def _linked_subjects(body: JSON) -> list[int]:
    """The ids of the body without repetitions; what is no id counts as one that nobody has."""
    if "subjects" not in body:
        raise ApiError(422, "Link relation subjects must match body key")
    given = body["subjects"] if isinstance(body["subjects"], list) else [body["subjects"]]
    ids = (as_id(value) for value in given)
    return list(dict.fromkeys(-1 if subject_id is None else subject_id for subject_id in ids))


def _seen_subjects(world: World, ids: list[int], *, by: Caller) -> list[int]:
    known = (world.subjects[subject_id] for subject_id in ids if subject_id in world.subjects)
    return [row.id for row in known if seen_project(world, row.project_id, by=by)]


def _refuse_legacy_duplicate(members: Mapping[int, None], seen: list[int], *, set_id: int) -> None:
    if doubled := [subject_id for subject_id in seen if subject_id in members]:
        raise ApiError(
            422,
            "PG::UniqueViolation: ERROR: duplicate key value violates unique constraint "
            '"index_set_member_subjects_on_subject_id_and_subject_set_id" DETAIL: Key '
            f"(subject_id, subject_set_id)=({doubled[0]}, {set_id}) already exists.",
        )


def _object(body: JSON, key: str) -> JSON:
    found = body.get(key)
    if not isinstance(found, dict):
        raise ApiError(422, f"{key} must be an object")
    return found


def _settings(body: JSON, *, allowed: frozenset[str]) -> JSON:
    settings = _object(body, "settings")
    _refuse_unknown(settings, allowed, where="#/settings")
    if "workflow_id" in settings and as_id(settings["workflow_id"]) is None:
        raise ApiError(422, "The property '#/settings/workflow_id' must be an id")
    if "designator" in settings:
        _object(settings, "designator")
    return settings


def _refuse_unknown(found: JSON, allowed: frozenset[str], *, where: str) -> None:
    if unknown := sorted(found.keys() - allowed):
        raise ApiError(
            422,
            f"The property '{where}' contains additional properties {unknown} "
            "outside of the schema when none are allowed",
        )
