"""The rows of projects, which come when something of them is configured or when they are added."""

from datetime import datetime

from sqlalchemy.orm import Session

from caesar_web.store import bulk
from caesar_web.store.configuration import Project
from caesar_web.store.db import table_of


def add_project(session: Session, project_id: int, name: str | None, *, now: datetime) -> bool:
    """Adds a project's row; False where it is there. Two at once do not fail."""
    row = {"id": project_id, "display_name": name, "created_at": now, "updated_at": now}
    written = bulk.insert(
        session,
        table_of(Project),
        [row],
        columns=("id", "display_name", "created_at", "updated_at"),
        conflict="(id) DO NOTHING",
        returning=("id",),
    )
    return bool(written)
