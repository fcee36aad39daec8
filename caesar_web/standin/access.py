"""Who calls the API, and what they may see and change."""

from dataclasses import dataclass
from typing import Any

from flask import g, request

from caesar_web.standin import tokens
from caesar_web.standin.envelope import ApiError
from caesar_web.standin.state import current_state
from caesar_web.standin.tokens import InvalidToken
from caesar_web.standin.world import (
    COLLECTION_ROLES,
    EDITING_ROLES,
    JSON,
    Collection,
    Project,
    User,
)

DIGITS = 18  # what fits into 64 bits
UNREADABLE = "The request body is not a JSON object"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The bearer of the token; without a usable one nobody, and `refusal` says why."""

    user: User | None = None
    scopes: frozenset[str] = frozenset()
    refusal: str = ""
    admin: bool = False

    @property
    def account(self) -> User:
        if self.user is None:
            raise ApiError(401, "You must be logged in to access this resource.")
        return self.user

    def may_see(self, project: Project) -> bool:
        return self.admin or not project.private or project.has_role(self.user, EDITING_ROLES)

    def may_edit(self, project: Project) -> bool:
        return self.admin or project.has_role(self.user, EDITING_ROLES)

    def may_edit_collection(self, collection: Collection) -> bool:
        roles = collection.roles.get(self.user.id, set()) if self.user else set()
        return self.admin or not COLLECTION_ROLES.isdisjoint(roles)


def caller() -> Caller:
    """The caller of this request; a token that is not accepted makes nobody of them."""
    if "caller" not in g:
        g.caller = _identify()
    found: Caller = g.caller
    return found


def logged_in(scope: str | None = None) -> Caller:
    """The caller, who must have a good token with that scope. Answers 401 or 403 otherwise."""
    found = caller()
    if found.refusal:
        challenge = (
            f'Bearer realm="Panoptes", error="invalid_token", error_description="{found.refusal}"'
        )
        raise ApiError(401, headers={"WWW-Authenticate": challenge})
    if found.account and scope and scope not in found.scopes:
        raise ApiError(403)
    return found


def json_body() -> JSON:
    """The body, which must be a JSON object."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise ApiError(400, UNREADABLE)
    return body


def as_id(value: Any) -> int | None:
    """An id given as a number or as digits; None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < DIGITS:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**DIGITS:
        return value
    return None


def ids_asked_for(*names: str) -> frozenset[int] | None:
    """The ids of a filter, comma-separated or repeated; None when there is no such filter."""
    texts = [text for name in names for text in request.args.getlist(name)]
    if not texts:
        return None
    ids = (as_id(part.strip()) for text in texts for part in text.split(","))
    return frozenset(found for found in ids if found is not None)


def _identify() -> Caller:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return Caller()
    state = current_state()
    try:
        claims = tokens.verify(state.settings.keys.signing, token.strip(), now=state.now())
        with state.lock:
            if token.strip() in state.grants.revoked:
                raise InvalidToken("The access token was revoked")
            user = state.world.users.get(claims.user_id)
    except InvalidToken as refusal:
        return Caller(refusal=str(refusal))
    if user is None:
        return Caller(refusal="The access token is invalid")
    return Caller(user=user, scopes=claims.scopes, admin=user.admin and _asks_as_admin())


def _asks_as_admin() -> bool:
    """Panoptes looks whether `admin` is there, not at its value."""
    if "admin" in request.args:
        return True
    body = request.get_json(silent=True) if request.is_json else None
    return isinstance(body, dict) and "admin" in body
