"""What was in a form whose sender had to sign in again: kept encrypted, for them alone, once."""

from datetime import timedelta

from flask import request, session
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import MultiDict

from caesar_web.access import parts
from caesar_web.access.identity import identity
from caesar_web.jobs import tasks
from caesar_web.store.activity import Draft
from caesar_web.store.credential_statements import digest
from caesar_web.store.db import db
from caesar_web.store.sealing import Unopenable

KEPT_FOR = timedelta(hours=1)
MOST_CHARACTERS = 1_000_000

Fields = MultiDict[str, str]


def keep() -> bool:
    """Keeps the form of this request for the person whose session has ended; says if it did.

    Each session that has ended keeps one, however often its cookie is sent.
    """
    fields = [(name, text) for name, text in request.form.items(multi=True) if name != "csrf_token"]
    if not fields or sum(len(name) + len(text) for name, text in fields) > MOST_CHARACTERS:
        return False
    secret: str = session["_user_id"]
    kept = {"person": session["person"], "fields": fields}
    row = Draft(
        digest=digest(secret),
        path=request.path,
        fields=tasks.sealer().seal(kept),
        ends_at=parts.now() + KEPT_FOR,
    )
    try:
        with db.session.begin():
            _remove(session.get("draft"))
            _remove(secret)
            db.session.add(row)
    except IntegrityError:  # another request of this session was first
        return False
    session["draft"] = secret
    return True


def take() -> Fields | None:
    """The form that this page's visitor had sent to this path, which is forgotten with that."""
    secret, caller = session.get("draft"), identity()
    if secret is None or caller is None:
        return None
    with db.session.begin():
        row = db.session.scalar(select(Draft).where(Draft.digest == digest(secret)))
        if row is not None and row.path != request.path:
            return None
        _remove(secret)
        sealed = row.fields if row is not None and row.ends_at > parts.now() else None
    del session["draft"]
    return None if sealed is None else _opened(sealed, caller.user_id)


def _opened(sealed: str, user_id: int) -> Fields | None:
    try:
        kept = tasks.sealer().open(sealed)
    except Unopenable:
        return None
    return MultiDict(kept["fields"]) if kept["person"] == user_id else None


def _remove(secret: str | None) -> None:
    if secret is not None:
        db.session.execute(delete(Draft).where(Draft.digest == digest(secret)))
