"""The parts of workflows whose light is red: all of the last hundred failed, or none can work."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session

from caesar_web.domain.lights import FAILED, light_of
from caesar_web.store.activity import Light
from caesar_web.store.configuration import Extractor, Reducer, SubjectRule, UserRule
from caesar_web.store.db import among
from caesar_web.store.snapshot import is_usable


class RedParts(NamedTuple):
    """The red parts of a workflow, each kind by id."""

    extractors: list[Extractor]
    reducers: list[Reducer]
    subject_rules: list[SubjectRule]
    user_rules: list[UserRule]


_KINDS: dict[str, Any] = {
    "extractor": Extractor,
    "reducer": Reducer,
    "subject_rule": SubjectRule,
    "user_rule": UserRule,
}


def red_parts(session: Session, workflow_ids: Sequence[int]) -> dict[int, RedParts]:
    """The red parts of each workflow, in a fixed number of statements."""
    found: dict[int, RedParts] = defaultdict(lambda: RedParts([], [], [], []))
    for at, (kind, table) in enumerate(_KINDS.items()):
        owner = table.reducible_id if table is Reducer else table.workflow_id
        failing = (
            select(table, Light.outcomes)
            .join(Light, Light.name == cast(table.id, String))
            .where(Light.kind == kind, Light.outcomes.contains(FAILED), among(owner, workflow_ids))
            .order_by(table.id)
        )
        if table is Reducer:
            failing = failing.where(Reducer.reducible_type == "Workflow")
        for row, outcomes in session.execute(failing):
            if light_of(outcomes).state == "all" or not is_usable(row):
                workflow_id = row.reducible_id if table is Reducer else row.workflow_id
                found[workflow_id][at].append(row)
    return found
