"""Counters of workflows and projects, that clients show."""

from collections.abc import Mapping

from sqlalchemy import update
from sqlalchemy.orm import Session

from caesar_web.store.configuration import Project, Workflow
from caesar_web.store.snapshot import Reducible


def add_to_counters(session: Session, reducible: Reducible, counts: Mapping[str, int]) -> None:
    """Adds to counters: last in a turn, because every turn wants this row."""
    table = Workflow if reducible.type == "Workflow" else Project
    changes = {name: getattr(table, name) + count for name, count in counts.items() if count}
    if changes:
        session.execute(
            update(table)
            .where(table.id == reducible.id)
            .values(changes)
            .execution_options(synchronize_session=False)
        )
