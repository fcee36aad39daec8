"""What the receivers of external effects get: one reduction, in the shape that they read."""

from typing import Any

from caesar_web.domain.classification import Subject, timestamp
from caesar_web.store.result_statements import Stored
from caesar_web.store.snapshot import Reducible


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
