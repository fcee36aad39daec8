"""The key that signs tokens, and the tokens: RS512 JWTs as Panoptes makes them."""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from caesar_web.standin.world import User

ALGORITHM = "RS512"
ISSUER = "pan-stag"
PRIVATE_KEY_NAME = "panoptes.pem"
PUBLIC_KEY_NAME = "panoptes.pub"


class InvalidToken(Exception):
    """A token that is not accepted. The text is the `error_description` of Panoptes."""


@dataclass(frozen=True)
class Keys:
    """The signing key, and one that nobody trusts, for tokens that must be refused."""

    signing: RSAKey

    @cached_property
    def foreign(self) -> RSAKey:
        return RSAKey.generate_key(2048, auto_kid=False)

    @cached_property
    def public_pem(self) -> str:
        return self.signing.as_pem(private=False).decode()

    @cached_property
    def private_pem(self) -> str:
        return self.signing.as_pem(private=True).decode()


@dataclass(frozen=True)
class Claims:
    user_id: int
    scopes: frozenset[str]


def new_keys() -> Keys:
    return Keys(RSAKey.generate_key(2048, auto_kid=False))


def load_keys(folder: Path) -> Keys:
    """The keys kept in `folder`, made on the first call; the public one is written beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / PRIVATE_KEY_NAME
    if not kept.exists():
        _write_once(kept, new_keys().private_pem)
    keys = Keys(RSAKey.import_key(kept.read_text()))
    public = folder / PUBLIC_KEY_NAME
    whole = folder / f"{PUBLIC_KEY_NAME}.{os.getpid()}"
    whole.write_text(keys.public_pem)
    whole.replace(public)
    return keys


def _write_once(path: Path, text: str) -> None:
    whole = path.with_name(f"{path.name}.{os.getpid()}")
    whole.touch(mode=0o600)
    whole.write_text(text)
    try:
        os.link(whole, path)  # fails where another process was first; then its key counts
    except FileExistsError:
        pass
    finally:
        whole.unlink()


def sign(key: RSAKey, user: User, *, scopes: Sequence[str], expires_at: float) -> str:
    """A token for the user, with the claims of Panoptes and no others."""
    claims = {
        "data": {
            "id": user.id,
            "login": user.login,
            "dname": user.display_name,
            "scope": list(scopes),
            "admin": user.admin,
        },
        "exp": int(expires_at),
        "iss": ISSUER,
        "rng": secrets.token_hex(2),
    }
    return jwt.encode({"alg": ALGORITHM}, claims, key, algorithms=[ALGORITHM])


def verify(key: RSAKey, token: str, *, now: float) -> Claims:
    """What the token says. Raises InvalidToken when it is not ours or no longer valid."""
    try:
        claims = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
        data, expires_at = claims["data"], claims["exp"]
        found = Claims(int(data["id"]), frozenset(data["scope"]))
    except (JoseError, ValueError, KeyError, TypeError):
        raise InvalidToken("The access token is invalid") from None
    if expires_at <= now:
        raise InvalidToken("The access token expired")
    return found
