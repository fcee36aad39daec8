"""Statements over credentials: sessions and tokens that were shown, and what is kept of them."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from caesar_web.store import bulk
from caesar_web.store.activity import Credential, Draft
from caesar_web.store.db import table_of


class Kept(NamedTuple):
    """A credential as it was read."""

    id: int
    user_id: int
    login: str
    name: str
    is_admin: bool
    acts_as_admin: bool
    tokens: str | None
    expires_at: datetime
    renewing_until: datetime | None
    ends_at: datetime
    project_ids: Sequence[int]
    projects_at: datetime | None


# Made once: every request looks for one, and to make a statement takes longer than to run it.
_FIND = select(*(getattr(Credential, name) for name in Kept._fields)).where(
    Credential.digest == bindparam("digest"), Credential.ends_at > bindparam("now")
)


def digest(secret: str) -> str:
    """What is kept instead of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def find(session: Session, secret: str, *, now: datetime) -> Kept | None:
    """The credential of a secret, unless it has ended."""
    row = session.execute(_FIND, {"digest": digest(secret), "now": now}).one_or_none()
    return None if row is None else Kept(*row)


def add(session: Session, secret: str, *, now: datetime, **values: Any) -> None:
    """Keeps a credential, unless another request has just done so."""
    made = {"digest": digest(secret), "created_at": now, "updated_at": now, "project_ids": []}
    row = made | values
    bulk.insert(
        session,
        table_of(Credential),
        [row],
        columns=tuple(row),
        conflict="(digest) DO NOTHING",
        returning=("id",),
    )


def change(session: Session, credential_id: int, *, now: datetime, **values: Any) -> None:
    session.execute(
        update(Credential).where(Credential.id == credential_id).values(updated_at=now, **values)
    )


def end(session: Session, credential_id: int) -> None:
    session.execute(delete(Credential).where(Credential.id == credential_id))


def claim_renewal(
    session: Session, credential: Kept, *, now: datetime, renewing_until: datetime
) -> bool:
    """Whether renewing this credential's tokens is ours alone until then."""
    claimed = session.execute(
        update(Credential)
        .where(
            Credential.id == credential.id,
            Credential.tokens == credential.tokens,
            or_(Credential.renewing_until.is_(None), Credential.renewing_until <= now),
        )
        .values(renewing_until=renewing_until)
    )
    return bool(getattr(claimed, "rowcount", 0))


def purge(session: Session, *, now: datetime) -> None:
    """Removes what has ended."""
    session.execute(delete(Credential).where(Credential.ends_at <= now))
    session.execute(delete(Draft).where(Draft.ends_at <= now))
