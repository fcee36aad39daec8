"""Subjects as Panoptes describes them, for runs: those that cannot be taken are failures."""

from collections.abc import Iterable
from typing import Any

from caesar_web.domain.effects import panoptes_id
from caesar_web.domain.events import SubjectSeen, read_subject
from caesar_web.domain.options import Unreadable
from caesar_web.domain.values import DomainError
from caesar_web.panoptes.client import Panoptes
from caesar_web.panoptes.connection import Document
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.store.run_statements import Failure

Read = tuple[list[SubjectSeen], list[Failure]]


def read_subjects(rows: Iterable[Document]) -> Read:
    """The subjects in rows of Panoptes."""
    subjects, failures = [], []
    for row in rows:
        try:
            subjects.append(read_subject(row, "subject"))
        except DomainError as problem:
            failures.append(Failure(place_of("subject", row), str(problem)))
    return subjects, failures


def subjects_of_project(panoptes: Panoptes, ids: Iterable[int], project_id: int) -> Read:
    """What Panoptes has of single subjects, which must belong to the project."""
    rows, failures = [], []
    for id in ids:
        try:
            row = panoptes.subject(id)
        except PanoptesError as problem:
            if problem.status != 404:
                raise
            failures.append(Failure(f"subject {id}", "Panoptes has no such subject"))
            continue
        if _id(row.get("links", {}).get("project")) == project_id:
            rows.append(row)
        else:
            failures.append(Failure(f"subject {id}", "it belongs to another project"))
    subjects, odd = read_subjects(rows)
    return subjects, [*failures, *odd]


def place_of(what: str, row: Document) -> str:
    """How a failure names a row."""
    return f"{what} {str(row.get('id'))[:40]}"


def _id(value: Any) -> int | None:
    try:
        return panoptes_id(value)
    except Unreadable:
        return None
