"""Things that tests need, made with as little as possible said."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from caesar_web.domain.documents import read_document
from caesar_web.domain.effects import Target, target_of
from caesar_web.pipeline.workflows import Description, add
from caesar_web.store import transfer
from caesar_web.store.configuration import Workflow
from caesar_web.store.effects import Owner, Saving
from caesar_web.store.rules import to_permit
from caesar_web.store.sealing import Sealer
from tests.conftest import ENCRYPTION_KEY

START = datetime(2026, 1, 1, tzinfo=UTC)
JSON = dict[str, Any]

SEALER = Sealer([ENCRYPTION_KEY])
OF_NO_PROJECT = Target("collection_id", 6)  # in the stand-in it belongs to alice and no more

# The documentation's example: the fifth lion retires the subject.
LIONS: dict[str, Any] = {
    "extractors_config": {"survey": {"type": "survey"}},
    "reducers_config": {"counts": {"type": "stats"}},
    "rules_config": [
        {
            "if": ["gt", ["lookup", "counts.lion", 0], ["const", 4]],
            "then": [{"action": "retire_subject", "reason": "consensus"}],
        }
    ],
}


def make_workflow(
    session: Session, id: int = 100, *, project_id: int = 10, **document: Any
) -> Workflow:
    """A workflow with the configuration that the members of `document` give."""
    workflow = add(
        session, Description(id, project_id, "Galaxies", "Galaxy Demo"), now=datetime.now(UTC)
    )
    session.flush()
    give(session, workflow, document)
    return workflow


def give(
    session: Session,
    workflow: Workflow,
    document: JSON,
    *,
    author: str = "test",
    now: datetime = START,
) -> bool:
    """Gives the workflow a configuration, whose targets are its project's, as nobody is asked."""
    read = read_document(document)
    targets = (target_of(row.action, row.config) for _, row in to_permit(workflow, read, SEALER))
    owners: dict[Target, Owner] = {
        target: {"owner": 2} if target == OF_NO_PROJECT else {"project": workflow.project_id}
        for target in targets
        if target
    }
    return transfer.apply(session, workflow, read, Saving(author, None, now, SEALER, owners))


def make_event(
    id: int,
    *,
    subject: int = 1,
    user: int | None = None,
    workflow: int = 100,
    project: int = 10,
    annotations: Any = None,
    choice: str | None = None,
    at: float | None = None,
    changed: float = 0,
    subject_metadata: JSON | None = None,
    **over: Any,
) -> JSON:
    """An event of the stream; `at` and `changed` are seconds after START and after `at`."""
    created = START + timedelta(seconds=id if at is None else at)
    answer = [{"task": "T0", "value": [{"choice": choice}] if choice else 0}]
    return {
        "source": "panoptes",
        "type": "classification",
        "version": "1.0.0",
        "data": {
            "id": str(id),
            "created_at": created.isoformat(),
            "updated_at": (created + timedelta(seconds=changed)).isoformat(),
            "user_ip": "203.0.113.7",
            "workflow_version": "1.1",
            "gold_standard": None,
            "annotations": answer if annotations is None else annotations,
            "metadata": {"workflow_version": "1.1"},
            "links": {
                "project": str(project),
                "user": None if user is None else str(user),
                "workflow": str(workflow),
                "subjects": [str(subject)],
            },
            **over,
        },
        "linked": {
            "subjects": [
                {
                    "id": str(subject),
                    "metadata": {} if subject_metadata is None else subject_metadata,
                    "created_at": START.isoformat(),
                    "updated_at": START.isoformat(),
                }
            ]
        },
    }


def copied(event: JSON) -> JSON:
    """The same event as another delivery brings it."""
    copy: JSON = json.loads(json.dumps(event))
    return copy
