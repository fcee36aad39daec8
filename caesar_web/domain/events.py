"""Events of the classification stream: which are ours, and what stands in them."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from caesar_web.domain.annotations import Annotations, by_task
from caesar_web.domain.values import DomainError, JSONValue, check_storable, kind_of

LARGEST_ID = 2**63 - 1


class Rejected(DomainError):
    """An event that cannot be taken; the text says why."""


class SubjectSeen(NamedTuple):
    """A subject as an event tells of it; None where it says nothing."""

    id: int
    metadata: dict[str, JSONValue]
    created_at: datetime | None
    updated_at: datetime | None


class Arrival(NamedTuple):
    """A classification as it arrived, with the subjects that its event tells of."""

    id: int
    project_id: int
    workflow_id: int
    workflow_version: str | None
    subject_id: int
    user_id: int | None
    annotations: Annotations
    metadata: dict[str, JSONValue]
    gold_standard: bool | None
    created_at: datetime
    updated_at: datetime
    subjects: tuple[SubjectSeen, ...]


def workflow_of(event: Any) -> int | None:
    """The workflow of a classification event; None for another kind of event. Raises Rejected."""
    if not isinstance(event, dict):
        raise Rejected("the event is not an object")
    if event.get("source") != "panoptes" or event.get("type") != "classification":
        return None
    links = _object(_object(event.get("data"), "data").get("links"), "data.links")
    return _id(links.get("workflow"), "data.links.workflow")


def read_event(event: dict[str, Any]) -> Arrival:
    """The classification of an event that `workflow_of` knows. Raises Rejected."""
    try:
        return _read(event)
    except Rejected:
        raise
    except DomainError as problem:
        raise Rejected(str(problem)) from None


def read_subject(row: Any, place: str) -> SubjectSeen:
    """A subject as Panoptes describes it. Raises Rejected and Unstorable, with the place."""
    fields = _object(row, place)
    metadata = _object(fields.get("metadata") or {}, f"{place}.metadata")
    check_storable(metadata, f"{place}.metadata")
    moments = (
        _moment(fields[name], f"{place}.{name}") if fields.get(name) else None
        for name in ("created_at", "updated_at")
    )
    known = without_addresses(metadata)
    return SubjectSeen(_id(fields.get("id"), f"{place}.id"), known, *moments)


def without_addresses(value: Any) -> Any:
    """The same JSON without any `user_ip`, which is personal and never kept."""
    return _stripped(value) if _has_address(value) else value  # copies only what needs it


def _has_address(value: Any) -> bool:
    if isinstance(value, dict):
        if "user_ip" in value:
            return True
        value = value.values()
    elif not isinstance(value, list):
        return False
    return any(isinstance(one, dict | list) and _has_address(one) for one in value)


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _stripped(one) for key, one in value.items() if key != "user_ip"}
    if isinstance(value, list):
        return [_stripped(one) for one in value]
    return value


def _read(event: dict[str, Any]) -> Arrival:
    data = event["data"]
    links = data["links"]
    given = _object(data.get("metadata") or {}, "data.metadata")
    check_storable(data.get("annotations"), "data.annotations")
    check_storable(given, "data.metadata")
    check_storable(data.get("workflow_version"), "data.workflow_version")
    metadata = without_addresses(given)
    subject_ids = links.get("subjects")
    if not isinstance(subject_ids, list) or not subject_ids:
        raise Rejected("data.links.subjects names no subject")
    user = links.get("user")
    created_at = _moment(data.get("created_at"), "data.created_at")
    return Arrival(
        _id(data.get("id"), "data.id"),
        _id(links.get("project"), "data.links.project"),
        _id(links.get("workflow"), "data.links.workflow"),
        _version(metadata.get("workflow_version") or data.get("workflow_version")),
        _id(subject_ids[0], "data.links.subjects[0]"),
        None if user is None else _id(user, "data.links.user"),
        by_task(without_addresses(data.get("annotations"))),
        metadata,
        data["gold_standard"] if isinstance(data.get("gold_standard"), bool) else None,
        created_at,
        _moment(data["updated_at"], "data.updated_at") if data.get("updated_at") else created_at,
        tuple(_subjects(event)),
    )


def _subjects(event: dict[str, Any]) -> list[SubjectSeen]:
    linked = _object(event.get("linked") or {}, "linked")
    given = linked.get("subjects") or []
    if not isinstance(given, list):
        raise Rejected("linked.subjects must be a list")
    return [read_subject(subject, f"linked.subjects[{at}]") for at, subject in enumerate(given)]


def _object(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Rejected(f"{place} must be an object")
    return value


def _id(value: Any, place: str) -> int:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    is_digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20
    if not (is_number or is_digits):
        raise Rejected(f"{place} must be an id, not {_shown(value)}")
    number = int(value)
    if not 0 < number <= LARGEST_ID:
        raise Rejected(f"{place} must be a positive number of 63 bits at most")
    return number


def _version(value: Any) -> str | None:
    if value is None or isinstance(value, str | int | float):
        return None if value is None else str(value)[:50]
    raise Rejected("the workflow version must be text")


def _moment(value: Any, place: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise Rejected(f"{place} must be a time, not {_shown(value)}") from None


def _shown(value: Any) -> str:
    """A value in a reason, but never what an object holds: it might be an address."""
    return kind_of(value) if isinstance(value, dict | list) else f"{value!r:.60}"
