"""What the answers were called to which a workflow's configuration refers, as it was saved."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from caesar_web.domain.conditions import parse_text
from caesar_web.domain.wordings import AnswerReference, Configured, referred
from caesar_web.store import bulk, part_queries, queries
from caesar_web.store.configuration import Wording, Workflow
from caesar_web.store.db import table_of
from caesar_web.store.effects import AnyRule


def find(session: Session, workflow_id: int) -> dict[str, Any]:
    """What is remembered: labels by task and answer."""
    row = session.get(Wording, workflow_id)
    return {} if row is None else row.answers


def keep(session: Session, workflow_id: int, answers: dict[str, Any], *, now: datetime) -> None:
    """Remembers this, and nothing else. Two at once must not fail."""
    bulk.insert(
        session,
        table_of(Wording),
        [{"workflow_id": workflow_id, "answers": answers, "updated_at": now}],
        columns=("workflow_id", "answers", "updated_at"),
        conflict="(workflow_id) DO UPDATE SET answers = excluded.answers,"
        " updated_at = excluded.updated_at",
    )


def references(session: Session, workflow_id: int) -> set[AnswerReference]:
    """The answers to which the rules and reducers of a workflow refer."""
    workflow = session.get_one(Workflow, workflow_id)
    rules: list[AnyRule] = [*workflow.subject_rules, *workflow.user_rules]
    reducers = queries.reducers(session, "Workflow", workflow_id)
    return referred(
        Configured(
            {row.key: (row.type, row.config) for row in workflow.extractors},
            part_queries.known_reducers(reducers),
            [node for rule in rules if (node := parse_text(rule.condition))],
        )
    )
