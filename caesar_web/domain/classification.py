"""What the engine works on: classifications, extracts, and the groups that extracts form."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from caesar_web.domain.annotations import Annotations
from caesar_web.domain.values import JSONValue


class Subject(NamedTuple):
    """A subject as far as it is known here."""

    id: int
    metadata: dict[str, JSONValue]
    created_at: datetime | None = None
    updated_at: datetime | None = None


def previous_subjects(metadata: Mapping[str, Any]) -> list[int]:
    """The subjects whose extracts count for this one too: a list, or a text that holds one."""
    given = metadata.get("previous_subject_ids") or metadata.get("#previous_subject_ids")
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return []
    texts = map(str, given) if isinstance(given, list) else ()
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19]


class Classification(NamedTuple):
    """One volunteer's answer for one subject in one workflow; `user_id` is None for anonymous."""

    id: int
    project_id: int
    workflow_id: int
    workflow_version: str | None
    subject: Subject
    user_id: int | None
    annotations: Annotations
    metadata: dict[str, JSONValue]
    created_at: datetime
    updated_at: datetime
    gold_standard: bool | None = None


class Extract(NamedTuple):
    """What one extractor pulled out of one classification (None: a machine's prediction)."""

    id: int
    classification_id: int | None
    classification_at: datetime
    extractor_key: str
    subject_id: int
    user_id: int | None
    data: Any
    relevant_reduction: Any = None

    @property
    def answers(self) -> list[str]:
        """The answers that it gives: fields that are true, or a number above 0."""
        fields = self.data.items() if isinstance(self.data, Mapping) else ()
        return [name for name, value in fields if isinstance(value, int | float) and value > 0]


class Group(NamedTuple):
    """The extracts of one classification, in the order of their ids.

    `continued` says that a running reduction has counted other extracts of this classification.
    """

    at: datetime
    classification_id: int | None
    extracts: tuple[Extract, ...]
    continued: bool = False

    @property
    def subject_id(self) -> int:
        return self.extracts[0].subject_id

    @property
    def user_id(self) -> int | None:
        return self.extracts[0].user_id

    @property
    def position(self) -> tuple[datetime, int, int]:
        """Where this group stands among others; predictions have no classification id."""
        return (self.at, self.classification_id or 0, self.extracts[0].id)


def grouped(extracts: Iterable[Extract]) -> list[Group]:
    """The groups that extracts form, in order of time, then classification id, then extract id."""
    members: dict[tuple[bool, int], list[Extract]] = {}
    for extract in extracts:
        # A prediction has no classification: it is a group of its own.
        alone = extract.classification_id is None
        key = (
            alone,
            extract.id if extract.classification_id is None else extract.classification_id,
        )
        members.setdefault(key, []).append(extract)
    return sorted((_group(group) for group in members.values()), key=lambda group: group.position)


def _group(extracts: list[Extract]) -> Group:
    if len(extracts) > 1:
        extracts.sort(key=lambda extract: extract.id)
    first = extracts[0]
    return Group(first.classification_at, first.classification_id, tuple(extracts))


def document(classification: Classification) -> dict[str, Any]:
    """The classification as external extractors get it and as pluck_field's paths see it."""
    subject = classification.subject
    return {
        "id": classification.id,
        "project_id": classification.project_id,
        "workflow_id": classification.workflow_id,
        "workflow_version": classification.workflow_version,
        "subject_id": subject.id,
        "user_id": classification.user_id,
        "annotations": classification.annotations,
        "metadata": classification.metadata,
        "subject": {
            "id": subject.id,
            "metadata": subject.metadata,
            "created_at": timestamp(subject.created_at),
            "updated_at": timestamp(subject.updated_at),
        },
        "created_at": timestamp(classification.created_at),
        "updated_at": timestamp(classification.updated_at),
        "gold_standard": classification.gold_standard,
    }


def timestamp(at: datetime | None) -> str | None:
    """UTC, ISO 8601 with exactly three decimals and Z, as every client reads it."""
    return None if at is None else f"{at.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
