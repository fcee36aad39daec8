"""Which projects are somebody's: as Panoptes says, remembered for minutes, asked on a miss."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import g

from caesar_web.access import parts
from caesar_web.access.identity import Identity, identity
from caesar_web.access.renewal import PanoptesAway
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.store import credential_statements as credentials
from caesar_web.store.db import db
from caesar_web.store.queries import reading

REMEMBERED_FOR = timedelta(minutes=5)
FRESH_ENOUGH = timedelta(seconds=10)  # guessing ids must not make us call Panoptes each time


def may_touch(project_id: int | None) -> bool:
    """Whether the caller may see and change what belongs to a project. Raises PanoptesAway.

    None is the project of what is not there: it fares as somebody else's, also while Panoptes is
    away, so that nobody learns what there is.
    """
    caller = identity()
    if caller is None:
        return False
    if caller.acts_as_admin:
        return project_id is not None
    project_ids, asked_at = _projects(caller)
    if project_id not in project_ids and asked_at <= parts.now() - FRESH_ENOUGH:
        project_ids, _ = _asked(caller)
    return project_id in project_ids


def projects() -> Sequence[int] | None:
    """The projects of the caller; None for administrators, whose are all. Raises PanoptesAway."""
    caller = identity()
    if caller is None:
        return ()
    return None if caller.acts_as_admin else _projects(caller)[0]


def _projects(caller: Identity) -> tuple[Sequence[int], datetime]:
    if "projects" not in g:
        with reading() as transaction:
            kept = credentials.find(transaction, caller.secret, now=parts.now())
        if kept and kept.projects_at and kept.projects_at > parts.now() - REMEMBERED_FOR:
            g.projects = (kept.project_ids, kept.projects_at)
        else:
            _asked(caller)
    found: tuple[Sequence[int], datetime] = g.projects
    return found


def _asked(caller: Identity) -> tuple[Sequence[int], datetime]:
    """What Panoptes says now, remembered for this and later requests."""
    now = parts.now()
    try:
        project_ids = parts.people().project_ids(caller.access_token, caller.user_id)
    except PanoptesError as problem:
        raise PanoptesAway(problem.message) from problem
    with db.session.begin():
        kept = credentials.find(db.session(), caller.secret, now=now)
        if kept is not None:
            credentials.change(
                db.session(), kept.id, now=now, project_ids=project_ids, projects_at=now
            )
        elif not caller.by_session:
            credentials.add(
                db.session(),
                caller.secret,
                now=now,
                user_id=caller.user_id,
                login=caller.login,
                name=caller.name,
                is_admin=caller.is_admin,
                expires_at=caller.expires_at,
                ends_at=caller.expires_at,
                project_ids=project_ids,
                projects_at=now,
            )
    g.projects = found = (project_ids, now)
    return found
