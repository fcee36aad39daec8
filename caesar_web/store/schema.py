"""Whether the database is as new as the code wants it."""

from functools import cache
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session


def is_answering(session: Session) -> bool:
    """Whether the database answers at all; it raises where not."""
    return bool(session.scalar(text("SELECT 1")))


def is_new_enough(session: Session, migrations: Path) -> bool:
    """Whether every migration in a folder was made.

    A version that is not in the folder comes from a later release, beside which this one works.
    """
    version = session.scalar(text("SELECT version_num FROM alembic_version"))
    newest, known = _versions(migrations)
    return version == newest or (version is not None and version not in known)


@cache
def _versions(migrations: Path) -> tuple[str | None, frozenset[str]]:
    from alembic.script import ScriptDirectory  # only here, as it is slow to import

    scripts = ScriptDirectory(str(migrations))
    known = frozenset(script.revision for script in scripts.walk_revisions())
    return scripts.get_current_head(), known
