"""How the texts of settings are read; each raises ValueError with what the text must be."""

import base64
import binascii
import re
import secrets
from importlib.util import find_spec
from pathlib import Path

ENVIRONMENTS = ("development", "production")
LOG_FORMATS = ("text", "json")
KEY_BYTES = 32


def integer(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise ValueError("must be a whole number") from None
    if number < 0:
        raise ValueError("must not be negative")
    return number


def positive(text: str) -> int:
    number = integer(text)
    if number == 0:
        raise ValueError("must be at least 1")
    return number


def port(text: str) -> int:
    number = positive(text)
    if number > 65535:
        raise ValueError("must be a port, 65535 at most")
    return number


def rate(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError("must be a number") from None
    if not 0 <= number < float("inf"):
        raise ValueError("must be zero or more")
    return number


def environment(text: str) -> str:
    return _one_of(ENVIRONMENTS, text)


def log_format(text: str) -> str:
    return _one_of(LOG_FORMATS, text)


def _one_of(known: tuple[str, ...], text: str) -> str:
    if text not in known:
        raise ValueError(f"must be one of: {', '.join(known)}")
    return text


def queues(text: str) -> tuple[tuple[str, int], ...]:
    served: dict[str, int] = {}
    for part in text.split():
        name, _, count = part.partition("=")
        if not name or name in served:
            raise ValueError(f"'{part}' must be name=workers, each name once")
        served[name] = positive(count)
    return tuple(served.items())


def url(text: str) -> str:
    if "://" not in text:
        raise ValueError("must be a URL")
    return text.rstrip("/")


def names(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def keys(text: str) -> tuple[str, ...]:
    keys = names(text)
    for key in keys:
        try:
            fits = len(base64.b64decode(key, altchars=b"-_", validate=True)) == KEY_BYTES
        except (binascii.Error, ValueError):
            fits = False
        if not fits:
            raise ValueError("must be keys as `caesar new-key` prints them, the newest first")
    return keys


def switch(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError("must be yes or no")
    return text == "yes"


def database_url(text: str) -> str:
    """Heroku and others write postgres://; SQLAlchemy wants the driver named."""
    scheme, _, rest = url(text).partition("://")
    if scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        return f"postgresql+psycopg://{rest}"
    if scheme == "sqlite":
        return text
    raise ValueError("must begin with postgresql:// or sqlite://")


def storage(text: str) -> str:
    """A folder, or a bucket of S3 with a prefix, for which boto3 must be there."""
    if "://" not in text:
        return str(Path(text).resolve())
    if re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+[a-z0-9](/[\w!.*'()/-]*)?", text, re.ASCII) is None:
        raise ValueError("must be a folder, or s3://bucket/prefix")
    if find_spec("boto3") is None:
        raise ValueError("must have the package boto3 for s3 (pip install 'caesar-web[aws]')")
    return text


def new_key() -> str:
    """A key for what is kept encrypted."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()
