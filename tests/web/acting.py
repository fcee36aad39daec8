"""Actions and lights as rules and turns would have left them, for pages that show them."""

from datetime import timedelta
from typing import Any

from caesar_web.domain.conditions import parse
from caesar_web.domain.evaluation import trace, trace_as_json
from caesar_web.domain.scope import ReductionScope
from caesar_web.store.activity import SubjectAction, UserAction
from caesar_web.store.db import db
from tests.factories import START

CONDITION = ["gte", ["lookup", "counts.lion", 0], ["const", 3]]


def traced(lions: int) -> Any:
    """The trace of CONDITION for a subject with so many lions."""
    scope = ReductionScope({"counts": {"_default": {"lion": lions}}})
    return trace_as_json(trace(parse(CONDITION), scope))


def add_action(subject: int | None = None, *, user: int | None = None, **over: Any) -> int:
    """Writes an action, which is decided `minutes` after START; gives its id."""
    at = START + timedelta(minutes=over.pop("minutes", 0))
    is_of_user = user is not None
    values = {
        "workflow_id": 100,
        "rule_id": 1,
        "effect_id": 1,
        "effect_revision": 1,
        "occurrence": None,
        "effect_type": "promote_user" if is_of_user else "add_subject_to_set",
        "config": {"workflow_id": 101} if is_of_user else {"subject_set_id": 7},
        "status": "completed",
        "attempts": 1,
        "not_before": at,
        "created_at": at,
        "updated_at": at,
        **over,
    }
    with db.session.begin():
        row: Any = (
            UserAction(user_id=user, **values)
            if is_of_user
            else SubjectAction(subject_id=subject, **values)
        )
        db.session.add(row)
        db.session.flush()
        return int(row.id)
