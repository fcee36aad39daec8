"""Whether the database is as new as the code wants it."""

from functools import cache

from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.orm import Session


def is_answering(session: Session) -> bool:
    """Whether the database answers at all; it raises where not."""
    return bool(session.scalar(text("SELECT 1")))


def is_new_enough(session: Session, migrations: str) -> bool:
    """Whether every migration in a folder was made.

    A version that is not in the folder comes from a later release, beside which this one works.
    """
    version = session.scalar(text("SELECT version_num FROM alembic_version"))
    newest, known = _versions(migrations)
    return version == newest or (version is not None and version not in known)


@cache
def _versions(migrations: str) -> tuple[str | None, frozenset[str]]:
    scripts = ScriptDirectory(migrations)
    known = frozenset(script.revision for script in scripts.walk_revisions())
    return scripts.get_current_head(), known
