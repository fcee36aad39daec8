"""The shape of a classification on the event stream, and of the same one as an API row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from caesar_web.standin.answers import EXPERT_ANSWER

Event = dict[str, Any]
Row = Mapping[str, Any]

# What the stream tells of linked rows: less than the API does.
PROJECT_FIELDS = ("id", "display_name", "created_at", "updated_at", "href")
WORKFLOW_FIELDS = ("id", "display_name", "retirement", "created_at", "updated_at", "href")
SUBJECT_FIELDS = ("id", "locations", "metadata", "created_at", "updated_at", "href")


@dataclass(frozen=True, kw_only=True)
class Volunteer:
    """Somebody who classifies; without an id, somebody who is not signed in."""

    id: int | None
    login: str | None
    skill: float
    activity: float
    ip: str
    session: str
    browser: str
    language: str
    utc_offset: int


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One time that a volunteer looked at a subject."""

    volunteer: Volunteer
    created_at: datetime
    seconds: float
    seen_before: bool
    workflow_version: str
    classifier_version: str | None


@dataclass(frozen=True, kw_only=True)
class Page:
    """What volunteers classify on: rows of the Panoptes API."""

    project: Row
    workflow: Row


def event(id: int, page: Page, subject: Row, *, visit: Visit, annotations: Sequence[Row]) -> Event:
    """One event of the stream, as Panoptes publishes it."""
    volunteer = visit.volunteer
    feedback = _feedback(subject.get("metadata") or {}, annotations)
    user = None if volunteer.id is None else str(volunteer.id)
    linked: dict[str, Any] = {
        "projects": [_pick(page.project, PROJECT_FIELDS)],
        "workflows": [_pick(page.workflow, WORKFLOW_FIELDS)],
        "subjects": [_pick(subject, SUBJECT_FIELDS)],
    }
    if user is not None:
        linked["users"] = [{"id": user, "login": volunteer.login, "href": f"/users/{user}"}]
    return {
        "source": "panoptes",
        "type": "classification",
        "version": "1.0.0",
        "timestamp": f"{visit.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "data": {
            "id": str(id),
            "created_at": iso(visit.created_at),
            "updated_at": iso(visit.created_at + timedelta(milliseconds=84)),
            "user_ip": volunteer.ip,
            "workflow_version": visit.workflow_version,
            "gold_standard": None,
            "expert_classifier": None,
            "annotations": list(annotations),
            "metadata": _metadata(visit) | ({"feedback": feedback} if feedback else {}),
            "href": f"/classifications/{id}",
            "links": {
                "project": str(page.project["id"]),
                "user": user,
                "workflow": str(page.workflow["id"]),
                "subjects": [str(subject["id"])],
            },
        },
        "linked": linked,
    }


def api_row(event: Mapping[str, Any]) -> Event:
    """The same classification as GET /api/classifications/project gives it."""
    data = event["data"]
    kept = ("id", "annotations", "created_at", "updated_at", "metadata", "href")
    row: Event = {name: data[name] for name in kept}
    return row | {"links": data["links"] | {"user_group": None}}


def iso(moment: datetime) -> str:
    """A UTC time as Panoptes writes it, with milliseconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _metadata(visit: Visit) -> dict[str, Any]:
    finished = visit.created_at - timedelta(milliseconds=430)
    volunteer = visit.volunteer
    metadata = {
        "source": "api",
        "session": volunteer.session,
        "viewport": {"width": 1440, "height": 820},
        "started_at": iso(finished - timedelta(seconds=visit.seconds)),
        "finished_at": iso(finished),
        "user_agent": volunteer.browser,
        "utc_offset": str(volunteer.utc_offset),
        "live_project": True,
        "user_language": volunteer.language,
        "user_group_ids": [],
        "subject_dimensions": [
            {"clientWidth": 800, "clientHeight": 600, "naturalWidth": 640, "naturalHeight": 480}
        ],
        "workflow_version": visit.workflow_version,
    }
    if visit.classifier_version is not None:
        metadata["classifier_version"] = visit.classifier_version
    if visit.seen_before:
        metadata["seen_before"] = True
    return metadata


def _feedback(metadata: Row, annotations: Sequence[Row]) -> dict[str, Any]:
    """What the page told the volunteer after a training subject: were they right?"""
    answer = metadata.get(EXPERT_ANSWER)
    given = next((one for one in annotations if isinstance(one["value"], int)), None)
    if answer is None or given is None:
        return {}
    success = str(given["value"]) == str(answer)
    told = {"id": metadata.get("#feedback_1_id"), "strategy": "singleAnswerQuestion"}
    return {given["task"]: [told | {"answer": str(answer), "success": success}]}


def _pick(row: Row, names: Sequence[str]) -> dict[str, Any]:
    return {name: row.get(name) for name in names}
