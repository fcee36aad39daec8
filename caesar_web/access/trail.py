"""The trail: who signed in, was refused, changed a configuration or acted as administrator."""

from typing import Any

from flask import request
from sqlalchemy.orm import Session

from caesar_web.access import parts
from caesar_web.access.identity import identity_if_any
from caesar_web.store import audit_statements as audit
from caesar_web.store.db import db

NOBODY = "nobody"
LONGEST_ABOUT = 300


def note(session: Session, action: str, *, about: str | None = None, **values: Any) -> None:
    """Writes down what the caller does, within the transaction that does it."""
    audit.write(session, now=parts.now(), action=action, about=about, **who(), **values)


def refused(action: str, *, status: int, workflow_id: int | None = None) -> None:
    """Writes down that the caller was refused, in a transaction of its own."""
    about = f"{status} for {request.method} {request.path}"[:LONGEST_ABOUT]
    caller = who()  # before the transaction, as this may need one
    with db.session.begin():
        audit.count(
            db.session(),
            now=parts.now(),
            action=f"refused: {action}",
            about=about,
            workflow_id=workflow_id,
            **caller,
        )


def who() -> dict[str, Any]:
    """The caller, as the trail names them, and their address."""
    caller = identity_if_any()
    name = NOBODY if caller is None else caller.login
    if caller is not None and caller.acts_as_admin:
        name += " (administrator)"
    return {
        "actor": name,
        "actor_id": None if caller is None else caller.user_id,
        "address": request.remote_addr,
    }
