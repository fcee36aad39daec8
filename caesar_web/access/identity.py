"""Who is calling: by the bearer token of a script, by a browser's session, or nobody."""

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flask import Flask, g, request, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from sqlalchemy.exc import SQLAlchemyError

from caesar_web.access import parts, renewal
from caesar_web.access.renewal import PanoptesAway
from caesar_web.jobs import tasks
from caesar_web.panoptes.bearer import Claims, ExpiredToken, InvalidToken, KeysMissing
from caesar_web.panoptes.people import PersonTokens
from caesar_web.store import credential_statements as credentials
from caesar_web.store.credential_statements import Kept
from caesar_web.store.db import db
from caesar_web.store.queries import reading
from caesar_web.store.sealing import Unopenable

SESSION_IDLE = timedelta(hours=12)
PROLONGED_AFTER = timedelta(minutes=10)  # so that not every request writes
KEPT_OVER_SIGN_IN = ("return_to", "draft")


class BadToken(Exception):
    """The Authorization header is not the bearer token of anybody."""


class Expired(BadToken):
    """The bearer token was good once."""


UNKNOWN = (BadToken, PanoptesAway, KeysMissing, SQLAlchemyError)  # nobody can say who it is


@dataclass(frozen=True)
class Identity(UserMixin):  # type: ignore[misc]  # Flask-Login has no types
    """Somebody; `is_admin` is what Panoptes says, `acts_as_admin` whether it counts now.

    `secret` is the session's or the token itself, `access_token` what Panoptes knows them by.
    """

    user_id: int
    login: str
    name: str
    is_admin: bool
    acts_as_admin: bool
    by_session: bool
    expires_at: datetime
    secret: str = field(repr=False)
    access_token: str = field(repr=False)

    def get_id(self) -> str:
        return self.secret


def identity() -> Identity | None:
    """Who makes this request; a bearer token wins over a session.

    Raises BadToken; or, when that is not the caller's fault, PanoptesAway, KeysMissing, and what
    the database raises.
    """
    if "identity" not in g:
        given = request.headers.get("Authorization")
        try:
            g.identity = _by_session() if given is None else _by_token(given)
        except UNKNOWN as problem:
            g.identity = problem  # so that a page of errors does not ask again
    found: Identity | Exception | None = g.identity
    if isinstance(found, Exception):
        raise found
    return found


def by_token_alone() -> None:
    """Lets no cookie say who this is, and takes a token that never was good for none.

    Raises Expired, PanoptesAway and KeysMissing.
    """
    if "Authorization" not in request.headers:
        g.identity = None
        return
    try:
        identity()
    except Expired:
        raise
    except BadToken:
        g.identity = None


def identity_if_any() -> Identity | None:
    """Who makes this request, where it makes no difference that nobody can say it."""
    try:
        return identity()
    except UNKNOWN:
        return None


def comes_with_session() -> bool:
    """Whether this request has a session, also while Panoptes cannot renew its tokens."""
    try:
        caller = identity()
    except (PanoptesAway, KeysMissing):
        return "Authorization" not in request.headers
    return caller is not None and caller.by_session


def has_lost_session() -> bool:
    """Whether the browser had a session that has ended."""
    return "person" in session and "Authorization" not in request.headers and identity() is None


def sign_in(claims: Claims, tokens: PersonTokens) -> bool:
    """Begins a session in this browser; False where the tokens are about to end."""
    now, secret = parts.now(), secrets.token_urlsafe(32)
    kept = {name: session[name] for name in KEPT_OVER_SIGN_IN if name in session}
    if session.get("person") != claims.user_id:
        kept.pop("draft", None)
    _end_session()
    with db.session.begin():
        credentials.add(
            db.session(),
            secret,
            now=now,
            user_id=claims.user_id,
            login=claims.login,
            name=claims.name,
            is_admin=claims.is_admin,
            tokens=tasks.sealer().seal(tokens.__dict__),
            expires_at=claims.expires_at,
            ends_at=now + SESSION_IDLE,
        )
    session.clear()  # nothing that was said to a stranger counts any more
    session.update(kept, person=claims.user_id)
    g.pop("identity", None)
    caller = _load(secret)
    if caller is None:
        return False
    login_user(caller)
    return True


def sign_out() -> None:
    """Ends this browser's session, also on the server."""
    _end_session()
    logout_user()
    session.clear()
    g.identity = None


def act_as_admin(wanted: bool) -> None:
    """Turns the rights of an administrator on or off for this session."""
    found = identity()
    if found is None or not found.by_session or not found.is_admin:
        return
    with db.session.begin():
        if kept := credentials.find(db.session(), found.secret, now=parts.now()):
            credentials.change(db.session(), kept.id, now=parts.now(), acts_as_admin=wanted)


def begin_sessions(app: Flask) -> None:
    """Lets Flask-Login keep a session's secret in the signed cookie."""
    manager = LoginManager()
    manager.session_protection = None  # people change networks while they work
    manager.user_loader(_load)
    # Its context would look for the session once more on pages that say why that failed.
    manager.init_app(app, add_context_processor=False)


def _end_session() -> None:
    if secret := session.get("_user_id"):
        with db.session.begin():
            if kept := credentials.find(db.session(), secret, now=parts.now()):
                credentials.end(db.session(), kept.id)


def _by_session() -> Identity | None:
    return current_user._get_current_object() if current_user.is_authenticated else None


def _by_token(header: str) -> Identity:
    found = re.fullmatch(r"Bearer ([!-~]+)", header)
    if found is None:
        raise BadToken("the Authorization header is not 'Bearer' and a token")
    token = found[1]
    try:
        claims = parts.public_keys().verify(token, now=parts.now())
    except ExpiredToken as problem:
        raise Expired(str(problem)) from None
    except InvalidToken as problem:
        raise BadToken(str(problem)) from None
    return Identity(
        claims.user_id,
        claims.login,
        claims.name,
        claims.is_admin,
        acts_as_admin=claims.is_admin,
        by_session=False,
        expires_at=claims.expires_at,
        secret=token,
        access_token=token,
    )


def _load(secret: str) -> Identity | None:
    now = parts.now()
    with reading() as transaction:
        kept = credentials.find(transaction, secret, now=now)
    if kept is not None:
        kept = renewal.renewed(kept, secret)
    if kept is None:
        return None
    if kept.ends_at < now + SESSION_IDLE - PROLONGED_AFTER:
        with db.session.begin():
            credentials.change(db.session(), kept.id, now=now, ends_at=now + SESSION_IDLE)
        kept = kept._replace(ends_at=now + SESSION_IDLE)
    try:
        return _of_session(kept, secret)
    except Unopenable:  # the keys were replaced, and nothing that they kept can be read again
        return None


def _of_session(kept: Kept, secret: str) -> Identity:
    return Identity(
        kept.user_id,
        kept.login,
        kept.name,
        kept.is_admin,
        acts_as_admin=kept.is_admin and kept.acts_as_admin,
        by_session=True,
        expires_at=kept.ends_at,
        secret=secret,
        access_token=tasks.sealer().open(kept.tokens)["access"] if kept.tokens else "",
    )
