"""One row of the platform's classification export (CSV) as an event of the stream."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

Event = dict[str, Any]
# The labels of the answers of each question: workflow id -> task -> labels in their order.
AnswerLabels = Mapping[int, Mapping[str, Sequence[str]]]

NEEDED_COLUMNS = (
    *("classification_id", "user_id", "workflow_id", "workflow_version", "created_at"),
    *("metadata", "annotations", "subject_data", "subject_ids"),
)
LARGEST_ID = 2**63 - 1


class InvalidRow(ValueError):
    """A row that is not of the export; the text says which column and why."""


def event_of_row(
    row: Mapping[str, str | None], *, project_id: int, answer_labels: AnswerLabels
) -> Event:
    """The event that the platform once published for this classification, as far as is known.

    The export writes the answers of questions as their labels. `answer_labels` turns them back
    into the numbers of the stream; a label that it does not know stays as it is.
    """
    id, workflow_id = _id(row, "classification_id"), _id(row, "workflow_id")
    subjects = _subjects(row)
    user_id = None if _is_blank(row, "user_id") else _id(row, "user_id")
    created_at = _time(row)
    metadata = _json(row, "metadata", dict)
    version = (row["workflow_version"] or "").strip() or metadata.get("workflow_version")
    return {
        "source": "panoptes",
        "type": "classification",
        "version": "1.0.0",
        "timestamp": f"{created_at:%Y-%m-%dT%H:%M:%SZ}",
        "data": {
            "id": str(id),
            "created_at": _iso(created_at),
            "updated_at": _iso(created_at),
            "workflow_version": version,
            "gold_standard": _gold_standard(row),
            "expert_classifier": (row.get("expert") or "").strip() or None,
            "annotations": _annotations(row, answer_labels.get(workflow_id, {})),
            "metadata": {**metadata, "workflow_version": version},
            "href": f"/classifications/{id}",
            "links": {
                "project": str(project_id),
                "user": None if user_id is None else str(user_id),
                "workflow": str(workflow_id),
                "subjects": [subject["id"] for subject in subjects],
            },
        },
        "linked": _linked(row, project_id=project_id, user_id=user_id, subjects=subjects),
    }


def labels_of(tasks: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """The answer labels of a workflow's questions, from its `tasks` in the Panoptes API."""
    return {
        key: [str(answer.get("label", "")) for answer in task["answers"]]
        for key, task in tasks.items()
        if isinstance(task.get("answers"), list)
    }


def _linked(
    row: Mapping[str, str | None],
    *,
    project_id: int,
    user_id: int | None,
    subjects: list[dict[str, Any]],
) -> dict[str, Any]:
    workflow_id = _id(row, "workflow_id")
    name = row.get("workflow_name")
    linked: dict[str, Any] = {
        "projects": [_linked_row("projects", project_id, display_name=None)],
        "workflows": [_linked_row("workflows", workflow_id, display_name=name, retirement=None)],
        "subjects": subjects,
    }
    if user_id is not None:
        login, href = row.get("user_name"), f"/users/{user_id}"
        linked["users"] = [{"id": str(user_id), "login": login, "href": href}]
    return linked


def _linked_row(kind: str, id: int, **known: Any) -> dict[str, Any]:
    """A row with null for what the stream tells and the export does not."""
    dates = {"created_at": None, "updated_at": None}
    return {"id": str(id), **known, **dates, "href": f"/{kind}/{id}"}


def _subjects(row: Mapping[str, str | None]) -> list[dict[str, Any]]:
    """The subjects of `subject_ids`, with the metadata that `subject_data` has for them."""
    data = _json(row, "subject_data", dict)
    subjects = []
    for text in (row.get("subject_ids") or "").replace(";", ",").split(","):
        id = _number(text, "subject_ids")
        metadata = data.get(str(id), {})
        if not isinstance(metadata, dict):
            raise InvalidRow(f"subject_data: what it says of {id} is not an object")
        # The export adds whether and when the subject was retired; it is none of its metadata.
        kept = {name: value for name, value in metadata.items() if name != "retired"}
        subjects.append(_linked_row("subjects", id, locations=[], metadata=kept))
    return subjects


def _annotations(row: Mapping[str, str | None], labels: Mapping[str, Sequence[str]]) -> list[Any]:
    return [_as_sent(annotation, labels) for annotation in _json(row, "annotations", list)]


def _as_sent(annotation: Any, labels: Mapping[str, Sequence[str]]) -> Any:
    """The annotation with numbers for labels; those inside a combo task are done as well."""
    if not isinstance(annotation, dict):
        return annotation
    value = annotation.get("value")
    known = labels.get(str(annotation.get("task")), ())
    if isinstance(value, str) and value in known:
        return {**annotation, "value": list(known).index(value)}
    if isinstance(value, list):
        return {**annotation, "value": [_part(part, known, labels) for part in value]}
    return annotation


def _part(part: Any, known: Sequence[str], labels: Mapping[str, Sequence[str]]) -> Any:
    if isinstance(part, dict) and "task" in part:
        return _as_sent(part, labels)
    return list(known).index(part) if isinstance(part, str) and part in known else part


def _json(row: Mapping[str, str | None], column: str, kind: type) -> Any:
    try:
        value = json.loads(row[column] or "")
    except (ValueError, RecursionError) as problem:
        raise InvalidRow(f"{column} is not JSON: {problem}") from None
    if not isinstance(value, kind):
        raise InvalidRow(f"{column} is not {'an object' if kind is dict else 'a list'}")
    return value


def _is_blank(row: Mapping[str, str | None], column: str) -> bool:
    return not (row.get(column) or "").strip()


def _id(row: Mapping[str, str | None], column: str) -> int:
    return _number(row[column] or "", column)


def _number(text: str, column: str) -> int:
    # Spreadsheet programs and pandas write ids with a blank among them as 123.0.
    digits = text.strip().removesuffix(".0")
    is_number = digits.isascii() and digits.isdecimal() and len(digits) < 20
    if not is_number or not 0 < int(digits) <= LARGEST_ID:
        raise InvalidRow(f"{column} is {text!r:.40}, not an id")
    return int(digits)


def _time(row: Mapping[str, str | None]) -> datetime:
    text = (row["created_at"] or "").strip()
    try:
        moment = datetime.fromisoformat(text.removesuffix("UTC").strip())
    except ValueError:
        raise InvalidRow(f"created_at is {text!r:.40}, not a time") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _gold_standard(row: Mapping[str, str | None]) -> bool | None:
    known = {"true": True, "false": False, "": None}
    text = (row.get("gold_standard") or "").strip().lower()
    if text not in known:
        raise InvalidRow(f"gold_standard is {text!r:.40}, not true or false")
    return known[text]
