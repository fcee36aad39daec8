"""What is kept encrypted: tokens, and the secrets of effects."""

from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from caesar_web.store.db import dump_json, load_json


class Unopenable(Exception):
    """Something was sealed with a key that is not among ours, or is not what was sealed."""


class Sealer:
    """Encrypts with the first of its keys, and opens what any of them has encrypted."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, value: Any) -> str:
        """The text that keeps a JSON value."""
        return self._fernet.encrypt(dump_json(value).encode()).decode()

    def seal_secrets(self, secrets: Mapping[str, str]) -> str | None:
        """What keeps the secrets of a part of a configuration; None where it has none."""
        return self.seal(secrets) if secrets else None

    def open_secrets(self, sealed: str | None) -> dict[str, str]:
        """The secrets that were sealed, if any. Raises Unopenable."""
        opened: dict[str, str] = self.open(sealed) if sealed else {}
        return opened

    def open(self, sealed: str) -> Any:
        """The value that was sealed. Raises Unopenable."""
        try:
            return load_json(self._fernet.decrypt(sealed.encode()))
        except InvalidToken:
            raise Unopenable("none of ENCRYPTION_KEYS opens this") from None
