"""What Panoptes tells of a subject now, for one that a workflow has seen."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy.orm import Session

from caesar_web.domain.events import read_subject
from caesar_web.domain.values import DomainError
from caesar_web.panoptes.client import Panoptes
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.store import inbox_statements as inbox
from caesar_web.store import queries

Transaction = Callable[[], AbstractContextManager[Session]]


class NeverSeen(DomainError):
    """The workflow has not seen such a subject, which may be another project's, or it is gone."""


def seen(
    panoptes: Panoptes, transaction: Transaction, *, workflow_id: int, subject_id: int
) -> dict[str, Any]:
    """Panoptes' row of a subject. Raises NeverSeen, and PanoptesError."""
    with transaction() as session:
        is_seen = queries.has_seen(session, workflow_id, subject_id)
    if not is_seen:
        raise NeverSeen(f"workflow {workflow_id} has not seen subject {subject_id}")
    try:
        row = panoptes.subject(subject_id)
    except PanoptesError as problem:
        if problem.status == 404:
            raise NeverSeen(f"Panoptes has no subject {subject_id} any more") from problem
        raise
    if row.get("id") != str(subject_id):
        message = f"Panoptes answered with something else than subject {subject_id}"
        raise PanoptesError(message, permanent=False)
    return row


def refresh(
    panoptes: Panoptes, transaction: Transaction, *, workflow_id: int, subject_id: int
) -> None:
    """Keeps what Panoptes tells of a subject, where it is newer. Raises the same."""
    row = seen(panoptes, transaction, workflow_id=workflow_id, subject_id=subject_id)
    try:
        subject = read_subject(row, "subject")
    except DomainError as problem:
        message = f"Panoptes has something odd of subject {subject_id}: {problem}"
        raise PanoptesError(message, permanent=False) from None
    with transaction() as session:
        inbox.keep_subjects(session, [subject])
