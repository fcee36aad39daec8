"""The rows of the API: how each thing of the world looks on the wire. All ids are strings there."""

from collections.abc import Iterable
from urllib.parse import urljoin

from flask import request

from caesar_web.standin.world import (
    JSON,
    SEEDED_AT,
    Collection,
    Preference,
    Project,
    Status,
    Subject,
    SubjectSet,
    User,
    Workflow,
    World,
)


def texts(ids: Iterable[int]) -> list[str]:
    return [str(resource_id) for resource_id in ids]


def owner_link(world: World, user_id: int) -> JSON:
    owner = world.users[user_id]
    return {
        "id": str(owner.id),
        "display_name": owner.display_name,
        "type": "users",
        "href": f"/users/{owner.id}",
    }


def user_row(user: User) -> JSON:
    return {
        "id": str(user.id),
        "login": user.login,
        "display_name": user.display_name,
        "credited_name": user.display_name,
        "email": f"{user.login}@example.org",
        "admin": user.admin,
        "zooniverse_id": None,
        "type": "users",
        "href": f"/users/{user.id}",
        "links": {},
    }


def project_row(world: World, project: Project) -> JSON:
    workflows = texts(row.id for row in world.workflows.values() if row.project_id == project.id)
    sets = texts(row.id for row in world.subject_sets.values() if row.project_id == project.id)
    return {
        "id": str(project.id),
        "display_name": project.display_name,
        "slug": project.slug,
        "private": project.private,
        "href": f"/projects/{project.id}",
        "links": {
            "workflows": workflows,
            "active_workflows": workflows,
            "subject_sets": sets,
            "owner": owner_link(world, project.owner_id),
        },
    }


def workflow_row(world: World, workflow: Workflow) -> JSON:
    subjects = world.subjects_of_workflow(workflow.id)
    retired = sum(
        status.workflow_id == workflow.id
        and status.retired_at is not None
        and status.subject_id in subjects
        for status in world.statuses.values()
    )
    return {
        "id": str(workflow.id),
        "display_name": workflow.display_name,
        "version": workflow.version,
        "configuration": workflow.configuration,
        "retirement": workflow.retirement,
        "active": True,
        "primary_language": "en",
        "first_task": "T0",
        "tasks": workflow.tasks,
        "steps": [],
        "classifications_count": world.classifications.count_in(workflow.id),
        "subjects_count": len(subjects),
        "retired_set_member_subjects_count": retired,
        "completeness": retired / len(subjects) if subjects else 0.0,
        "created_at": SEEDED_AT,
        "updated_at": SEEDED_AT,
        "href": f"/workflows/{workflow.id}",
        "links": {
            "project": str(workflow.project_id),
            "subject_sets": texts(row.id for row in world.sets_of_workflow(workflow.id)),
            "tutorial_subject": None,
            "published_version": None,
        },
    }


def subject_set_row(subject_set: SubjectSet) -> JSON:
    return {
        "id": str(subject_set.id),
        "display_name": subject_set.display_name,
        "set_member_subjects_count": len(subject_set.subject_ids),
        "metadata": {},
        "completeness": {},
        "href": f"/subject_sets/{subject_set.id}",
        "links": {
            "project": str(subject_set.project_id),
            "workflows": texts(subject_set.workflow_ids),
        },
    }


def membership_row(membership: tuple[int, int]) -> JSON:
    set_id, subject_id = membership
    row_id = f"{set_id}{subject_id:09}"
    return {
        "id": row_id,
        "href": f"/set_member_subjects/{row_id}",
        "links": {"subject_set": str(set_id), "subject": str(subject_id)},
    }


def collection_row(world: World, collection: Collection) -> JSON:
    return {
        "id": str(collection.id),
        "name": None,
        "display_name": collection.display_name,
        "slug": collection.slug,
        "favorite": False,
        "private": False,
        "default_subject_src": None,
        "description": "",
        "href": f"/collections/{collection.id}",
        "links": {
            "owner": owner_link(world, collection.owner_id),
            "collection_roles": [],
            "subjects": texts(collection.subject_ids),
            "projects": texts(collection.project_ids),
        },
    }


def subject_row(world: World, subject: Subject) -> JSON:
    collections = (row.id for row in world.collections.values() if subject.id in row.subject_ids)
    sets = (row.id for row in world.subject_sets.values() if subject.id in row.subject_ids)
    return {
        "id": str(subject.id),
        "metadata": subject.metadata,
        "locations": [
            {mime: urljoin(request.host_url, path) for mime, path in location.items()}
            for location in subject.locations
        ],
        "zooniverse_id": None,
        "external_id": None,
        "created_at": SEEDED_AT,
        "updated_at": SEEDED_AT,
        "href": f"/subjects/{subject.id}",
        "links": {
            "project": str(subject.project_id),
            "collections": texts(collections),
            "subject_sets": texts(sets),
        },
    }


def preference_row(preference: Preference) -> JSON:
    return {
        "id": str(preference.id),
        "email_communication": preference.email_communication,
        "preferences": preference.preferences,
        "activity_count": 0,
        "activity_count_by_workflow": {},
        "settings": preference.settings,
        "created_at": SEEDED_AT,
        "updated_at": preference.updated_at,
        "href": f"/project_preferences/{preference.id}",
        "links": {"user": str(preference.user_id), "project": str(preference.project_id)},
    }


def status_row(world: World, status: Status) -> JSON:
    count = world.classifications.count_of(status.workflow_id, subject_id=status.subject_id)
    return {
        "id": str(status.id),
        "classifications_count": count,
        "retired_at": status.retired_at,
        "retirement_reason": status.retirement_reason,
        "created_at": SEEDED_AT,
        "updated_at": status.retired_at or SEEDED_AT,
        "href": f"/subject_workflow_statuses/{status.id}",
        "links": {"subject": str(status.subject_id), "workflow": str(status.workflow_id)},
    }
