"""Renewing a session's tokens before they expire: by one request at a time, as they rotate."""

import logging
import time
from datetime import timedelta
from typing import Any

from caesar_web.access import parts
from caesar_web.jobs import tasks
from caesar_web.panoptes.bearer import Claims, InvalidToken, KeysMissing
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.panoptes.people import PersonTokens, Refused
from caesar_web.store import credential_statements as credentials
from caesar_web.store.credential_statements import Kept
from caesar_web.store.db import db
from caesar_web.store.queries import reading
from caesar_web.store.sealing import Unopenable

RENEWED_BEFORE = timedelta(minutes=5)
LEASE = timedelta(seconds=60)
LONGEST_WAIT_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 0.1

log = logging.getLogger(__name__)


class PanoptesAway(Exception):
    """Panoptes cannot be asked who this is or what is theirs; later it can."""


def renewed(kept: Kept, secret: str) -> Kept | None:
    """The credential with tokens that are good for a while; None where Panoptes refuses any.

    Raises PanoptesAway when they have expired and Panoptes cannot be asked for new ones.
    """
    now = parts.now()
    if kept.expires_at > now + RENEWED_BEFORE:
        return kept
    with db.session.begin():
        is_ours = credentials.claim_renewal(db.session(), kept, now=now, renewing_until=now + LEASE)
    if is_ours:
        return _renew(kept, secret)
    return kept if kept.expires_at > now else _when_renewed(kept, secret)


def _renew(kept: Kept, secret: str) -> Kept | None:
    try:
        tokens = _new_tokens(kept)
        _change(kept, tokens=tasks.sealer().seal(tokens.__dict__))  # at once: the old are spent
        claims = _claims(kept, tokens)
    except (Refused, InvalidToken, Unopenable) as problem:
        log.info("the session of %s ends: %s", kept.login, problem)
        with db.session.begin():
            credentials.end(db.session(), kept.id)
        return None
    except (PanoptesError, KeysMissing) as problem:
        _change(kept, renewing_until=None)
        if kept.expires_at > parts.now():
            return kept
        raise PanoptesAway(str(problem)) from problem
    _change(
        kept,
        expires_at=claims.expires_at,
        renewing_until=None,
        login=claims.login,
        name=claims.name,
        is_admin=claims.is_admin,
        acts_as_admin=claims.is_admin and kept.acts_as_admin,
    )
    with reading() as transaction:
        return credentials.find(transaction, secret, now=parts.now())


def _new_tokens(kept: Kept) -> PersonTokens:
    held = PersonTokens(**tasks.sealer().open(kept.tokens or ""))
    if held.refresh is None:
        raise Refused("Panoptes gave no refresh token")
    return parts.people().renew(held.refresh)


def _claims(kept: Kept, tokens: PersonTokens) -> Claims:
    claims = parts.public_keys().verify(tokens.access, now=parts.now())
    if claims.user_id != kept.user_id:
        raise Refused("the renewed token is somebody else's")
    return claims


def _change(kept: Kept, **values: Any) -> None:
    with db.session.begin():
        credentials.change(db.session(), kept.id, now=parts.now(), **values)


def _when_renewed(kept: Kept, secret: str) -> Kept | None:
    """The credential once the request that renews it has done so."""
    until = time.monotonic() + LONGEST_WAIT_SECONDS
    while time.monotonic() < until:
        with reading() as transaction:
            current = credentials.find(transaction, secret, now=parts.now())
        if current is None or current.expires_at != kept.expires_at:
            return current
        if current.renewing_until is None:
            raise PanoptesAway("another request could not renew the tokens")
        time.sleep(LOOK_AGAIN_SECONDS)
    raise PanoptesAway("another request is still renewing the tokens")
