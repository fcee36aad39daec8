"""Statements over lights: how extractors, reducers, rules and effects have fared."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from caesar_web.domain.lights import FAILED, OUTCOMES_KEPT
from caesar_web.store import bulk
from caesar_web.store.activity import Light
from caesar_web.store.db import table_of

_lights = table_of(Light)


class Fared(NamedTuple):
    """How one of them fared in one turn: an outcome each time, and the last error."""

    kind: str
    name: str
    workflow_id: int | None
    outcomes: str
    last_error: str | None


def failing(session: Session, workflow_id: int | None) -> set[tuple[str, str]]:
    """Kind and name of the workflow's lights that show a failure; None: of those of projects."""
    rows = session.execute(
        select(Light.kind, Light.name).where(
            Light.workflow_id == workflow_id, Light.outcomes.contains(FAILED)
        )
    )
    return {(kind, name) for kind, name in rows}


def record(session: Session, fared: Iterable[Fared], *, now: datetime) -> None:
    """Adds outcomes to lights, of which the last hundred count."""
    rows = (
        {
            **one._asdict(),
            "outcomes": one.outcomes[-OUTCOMES_KEPT:],
            "failures": one.outcomes.count(FAILED),
            "failing_since": now if FAILED in one.outcomes else None,
            "updated_at": now,
        }
        for one in sorted(fared)
    )
    postgresql = session.get_bind().dialect.name == "postgresql"
    joined = "lights.outcomes || excluded.outcomes"
    latest = f"right({joined}, 100)" if postgresql else f"substr({joined}, -100)"
    bulk.insert(
        session,
        _lights,
        rows,
        columns=(*Fared._fields, "failures", "failing_since", "updated_at"),
        conflict=f"""(kind, name) DO UPDATE SET outcomes = {latest},
            failures = lights.failures + excluded.failures, updated_at = excluded.updated_at,
            last_error = coalesce(excluded.last_error, lights.last_error),
            failing_since = CASE WHEN {latest} LIKE '%x%'
                THEN coalesce(lights.failing_since, excluded.failing_since) END""",
    )
