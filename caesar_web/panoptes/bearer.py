"""Panoptes' access tokens, verified with its public keys: nothing leaves this machine."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unicodedata import category

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

ALGORITHM = "RS512"
# The whole header, so that none can name or bring a key of its own.
HEADERS = ({"typ": "JWT", "alg": ALGORITHM}, {"alg": ALGORITHM})
ISSUERS = ("pan-prod", "pan-stag", "pan-deve", "pan-test")
TOKEN_LIMIT = 8 * 1024
NAME_LIMIT = 255
LAST_SECOND = 253_402_300_799  # of the year 9999, where dates end
UNNAMEABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, half characters, line breaks
KEY_BITS = 2048
KEY_BLOCK = re.compile(r"-----BEGIN ((?:RSA )?PUBLIC KEY)-----[^-]+-----END \1-----")


class InvalidToken(Exception):
    """A token that nobody may act by. The text says why, without the token."""


class ExpiredToken(InvalidToken):
    """A token that was good once."""


class KeysMissing(Exception):
    """The keys to verify tokens with cannot be read, so that no token can be judged."""


@dataclass(frozen=True)
class Claims:
    """What a good token says about the person."""

    user_id: int
    login: str
    name: str
    is_admin: bool
    expires_at: datetime


class PublicKeys:
    """Panoptes' keys, as PEM text or in files, which are followed as they change."""

    def __init__(self, setting: str) -> None:
        self._setting = setting
        # Replaced as a whole, so that threads need no lock: at worst two of them parse the same.
        self._loaded: tuple[str, list[RSAKey]] = ("", [])

    def verify(self, token: str, *, now: datetime) -> Claims:
        """What the token says. Raises InvalidToken, or KeysMissing when that is not its fault."""
        signed = _parsed(token)
        if not any(_is_signed_with(key, signed) for key in self._keys()):
            raise InvalidToken("The token is not signed by Panoptes")
        claims = _claims(signed.payload or b"")
        if claims.expires_at <= now:
            raise ExpiredToken("The token has expired")
        return claims

    def _keys(self) -> list[RSAKey]:
        # Read each time: a kilobyte costs less than a signature, and times of change can deceive.
        text = _text_of(self._setting)
        loaded_text, keys = self._loaded
        if not keys or text != loaded_text:
            keys = _keys_in(text)
            self._loaded = (text, keys)
        return keys


def _text_of(setting: str) -> str:
    if "-----BEGIN" in setting:
        return setting
    try:
        whole = Path(setting.strip())
        paths = [whole] if whole.is_file() else list(map(Path, re.findall(r"[^\s,]+", setting)))
        return "\n".join(path.read_text() for path in paths)
    except (OSError, ValueError) as problem:
        reason = type(problem).__name__
        raise KeysMissing(f"PANOPTES_PUBLIC_KEY: a file cannot be read ({reason})") from problem


def _keys_in(text: str) -> list[RSAKey]:
    blocks = [found.group() for found in KEY_BLOCK.finditer(text)]
    if not blocks or len(blocks) != text.count("-----BEGIN"):
        raise KeysMissing("PANOPTES_PUBLIC_KEY: must be whole PEM public keys and nothing else")
    return [_key(block) for block in blocks]


def _key(block: str) -> RSAKey:
    try:
        key = load_pem_public_key(block.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise KeysMissing("PANOPTES_PUBLIC_KEY: holds a key that cannot be read") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < KEY_BITS:
        raise KeysMissing(f"PANOPTES_PUBLIC_KEY: must be RSA keys of at least {KEY_BITS} bits")
    return RSAKey.import_key(key)


def _parsed(token: str) -> jws.CompactSignature:
    if len(token) > TOKEN_LIMIT:
        raise InvalidToken("The token is too long")
    try:
        signed = jws.extract_compact(token.encode("ascii"))
    except (JoseError, ValueError, TypeError, RecursionError):
        # Without the cause, which holds the token.
        raise InvalidToken("The token is not a signed JSON Web Token") from None
    if signed.headers() not in HEADERS:
        raise InvalidToken(f"The token is not one of Panoptes: its header must be {ALGORITHM}'s")
    return signed


def _is_signed_with(key: RSAKey, signed: jws.CompactSignature) -> bool:
    return jws.validate_compact(signed, key, algorithms=[ALGORITHM])


def _claims(payload: bytes) -> Claims:
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        raise InvalidToken("The token's claims are not JSON") from None
    document = _object(document)
    if document.get("iss") not in ISSUERS:
        raise InvalidToken("The token is not issued by Panoptes")
    data = _object(document.get("data"))
    return Claims(
        user_id=_number(data.get("id"), "user id", limit=2**63 - 1),
        login=_name(data.get("login"), "login"),
        name=_name(data.get("dname"), "display name"),
        is_admin=data.get("admin") is True,
        expires_at=datetime.fromtimestamp(
            _number(document.get("exp"), "expiry", limit=LAST_SECOND), UTC
        ),
    )


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidToken("The token's claims are not those of Panoptes")
    return value


def _number(value: object, what: str, *, limit: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= limit:
        raise InvalidToken(f"The token has no proper {what}")
    return value


def _name(value: object, what: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= NAME_LIMIT:
        raise InvalidToken(f"The token has no proper {what}")
    if any(category(character) in UNNAMEABLE for character in value):
        raise InvalidToken(f"The token has no proper {what}")
    return value
