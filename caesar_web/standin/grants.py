"""The OAuth applications, and what they hold: codes, refresh tokens, revoked tokens."""

import secrets
from dataclasses import dataclass, field

from caesar_web.standin import tokens
from caesar_web.standin.tokens import Keys
from caesar_web.standin.world import JSON, User

SCOPES = ("public", "user", "project", "collection", "classification")
CODE_SECONDS = 600
TOKEN_SECONDS = 7200
# The name that panoptes-python-client carries when it is not told another.
PYTHON_CLIENT_IDS = (
    "python-client",
    "ce310d45f951de68c4cc8ef46ca38cc0a008f607a2026680295757bfef99f43c",
)


@dataclass(frozen=True, kw_only=True)
class Application:
    """A registered OAuth application; without a secret it is a public one."""

    client_id: str
    name: str
    secret: str
    owner_id: int
    grant_types: frozenset[str]
    scopes: tuple[str, ...] = SCOPES

    def accepts_secret(self, secret: str) -> bool:
        return bool(self.secret) and secrets.compare_digest(self.secret.encode(), secret.encode())


@dataclass(frozen=True, kw_only=True)
class Code:
    client_id: str
    user_id: int
    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str
    expires_at: float


@dataclass(frozen=True, kw_only=True)
class Refresh:
    client_id: str
    user_id: int
    scopes: tuple[str, ...]


@dataclass
class Grants:
    """State of the OAuth side. Whoever touches it holds the lock of `State`."""

    applications: dict[str, Application]
    codes: dict[str, Code] = field(default_factory=dict)
    refreshes: dict[str, Refresh] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    issued: dict[str, tuple[int, float]] = field(default_factory=dict)
    token_seconds: int = TOKEN_SECONDS

    def new_code(self, code: Code) -> str:
        text = secrets.token_hex(32)
        self.codes[text] = code
        return text

    def issue(self, keys: Keys, user: User, *, scopes: tuple[str, ...], now: float) -> JSON:
        """A token and what is said about it, without a refresh token."""
        expires_at = now + self.token_seconds
        token = tokens.sign(keys.signing, user, scopes=scopes, expires_at=expires_at)
        self.note(token, user.id, expires_at=expires_at, now=now)
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": self.token_seconds,
            "scope": " ".join(scopes),
            "created_at": int(now),
        }

    def new_refresh(self, refresh: Refresh) -> str:
        text = secrets.token_hex(32)
        self.refreshes[text] = refresh
        return text

    def note(self, token: str, user_id: int, *, expires_at: float, now: float) -> None:
        """Remembers a token until it expires, so that all tokens of a user can be revoked."""
        self.issued = {kept: row for kept, row in self.issued.items() if row[1] > now}
        self.issued[token] = (user_id, expires_at)

    def revoke(self, *, token: str | None, user_id: int | None) -> int:
        """Revokes one token, or all that a user holds; how many."""
        found = {kept for kept, row in self.issued.items() if row[0] == user_id}
        if token:
            found.add(token)
        self.revoked |= found
        return len(found)


def applications(*, client_id: str, client_secret: str, owner_id: int) -> dict[str, Application]:
    """The two applications of the stand-in; the second by each of its names."""
    ours = Application(
        client_id=client_id,
        name="Caesar",
        secret=client_secret,
        owner_id=owner_id,
        grant_types=frozenset({"authorization_code", "client_credentials", "refresh_token"}),
    )
    found = {client_id: ours}
    for name in PYTHON_CLIENT_IDS:
        found[name] = Application(
            client_id=name,
            name="Panoptes Python client",
            secret="",
            owner_id=owner_id,
            grant_types=frozenset({"password", "refresh_token"}),
        )
    return found
