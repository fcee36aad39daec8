"""What services get: an extract, or one reduction, in the shapes that they read."""

from typing import Any

from caesar_web.domain.classification import Subject, timestamp
from caesar_web.store.result_statements import Stored
from caesar_web.store.results import Extract
from caesar_web.store.snapshot import Reducible


def extract(row: Extract, relevant_reduction: Any = None) -> dict[str, Any]:
    """An extract with all that is kept of it, and the reduction that it carries along."""
    return {
        "id": row.id,
        "classification_id": row.classification_id,
        "classification_at": timestamp(row.classification_at),
        "extractor_key": row.extractor_key,
        "workflow_id": row.workflow_id,
        "user_id": row.user_id,
        "subject_id": row.subject_id,
        "data": row.data,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
        "project_id": row.project_id,
        "workflow_version": row.workflow_version,
        "machine_data": row.machine_data,
        "relevant_reduction": relevant_reduction,
    }


def payload(reducible: Reducible, subject: Subject, reduction: Stored) -> dict[str, Any]:
    """A subject's reduction with its subject, but without what running mode keeps."""
    return {
        "id": reduction.id,
        "reducible": {"id": reducible.id, "type": reducible.type},
        "data": reduction.reduced.data,
        "subject": {
            "id": subject.id,
            "metadata": subject.metadata,
            "created_at": timestamp(subject.created_at),
            "updated_at": timestamp(subject.updated_at),
        },
        "reducer_key": reduction.reducer_key,
        "created_at": timestamp(reduction.created_at),
        "updated_at": timestamp(reduction.updated_at),
    }
