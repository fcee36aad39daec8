"""The environment, read once into one frozen dataclass; refuses what it does not know."""

import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import orjson

ENVIRONMENTS = ("development", "production")
DEMO_QUEUES = "classifications=2 actions=1"


class InvalidSetting(Exception):
    """A setting is missing, unknown or not of its kind. The text names the variable."""


def _integer(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise ValueError("must be a whole number") from None
    if number < 0:
        raise ValueError("must not be negative")
    return number


def _positive(text: str) -> int:
    number = _integer(text)
    if number == 0:
        raise ValueError("must be at least 1")
    return number


def _port(text: str) -> int:
    number = _positive(text)
    if number > 65535:
        raise ValueError("must be a port, 65535 at most")
    return number


def _rate(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError("must be a number") from None
    if not 0 <= number < float("inf"):
        raise ValueError("must be zero or more")
    return number


def _environment(text: str) -> str:
    if text not in ENVIRONMENTS:
        raise ValueError(f"must be one of: {', '.join(ENVIRONMENTS)}")
    return text


def _queues(text: str) -> tuple[tuple[str, int], ...]:
    served: dict[str, int] = {}
    for part in text.split():
        name, _, count = part.partition("=")
        if not name or name in served:
            raise ValueError(f"'{part}' must be name=workers, each name once")
        served[name] = _positive(count)
    return tuple(served.items())


def _url(text: str) -> str:
    if "://" not in text:
        raise ValueError("must be a URL")
    return text.rstrip("/")


def _database_url(text: str) -> str:
    """Heroku and others write postgres://; SQLAlchemy wants the driver named."""
    scheme, _, rest = _url(text).partition("://")
    if scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        return f"postgresql+psycopg://{rest}"
    if scheme == "sqlite":
        return text
    raise ValueError("must begin with postgresql:// or sqlite://")


def _setting(variable: str, default: Any, read: Callable[[str], Any], about: str) -> Any:
    """A field of `Config`: its variable, its default, how its text is read, and what it is for."""
    meta = {"variable": variable, "read": read, "about": about}
    return field(default=default, metadata=meta)


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that the outside decides. An empty text means: derived, see `load`."""

    environment: str = _setting(
        "CAESAR_ENV", "development", _environment, "`development` or `production`"
    )
    home: Path = _setting("CAESAR_HOME", Path("var"), Path, "folder for everything that is written")
    host: str = _setting("CAESAR_HOST", "127.0.0.1", str, "address that the web server listens on")
    port: int = _setting("PORT", 3000, _port, "port of the web server")
    database_url: str = _setting(
        "DATABASE_URL", "", _database_url, "PostgreSQL 15+; unset: SQLite in `CAESAR_HOME`"
    )
    redis_url: str = _setting(
        "REDIS_URL", "", _url, "Redis or Valkey; unset: a server of our own on a unix socket"
    )
    secret_key: str = _setting(
        "SECRET_KEY", "", str, "signs cookies; made once in development, required in production"
    )
    panoptes_url: str = _setting(
        "PANOPTES_URL", "", _url, "Panoptes; unset: the stand-in on `CAESAR_STANDIN_PORT`"
    )
    panoptes_client_id: str = _setting(
        "PANOPTES_CLIENT_ID", "", str, "OAuth application of this service"
    )
    panoptes_client_secret: str = _setting(
        "PANOPTES_CLIENT_SECRET", "", str, "its secret; made once for the stand-in"
    )
    stream_username: str = _setting(
        "KINESIS_STREAM_USERNAME", "", str, "basic auth of the ingest route"
    )
    stream_password: str = _setting(
        "KINESIS_STREAM_PASSWORD", "", str, "basic auth of the ingest route"
    )
    standin_port: int = _setting(
        "CAESAR_STANDIN_PORT", 3001, _port, "port of the stand-in Panoptes"
    )
    demo_rate: float = _setting(
        "CAESAR_DEMO_RATE", 5.0, _rate, "sample classifications a second under `make run`; 0: none"
    )
    queues: tuple[tuple[str, int], ...] = _setting(
        "CAESAR_QUEUES", _queues(DEMO_QUEUES), _queues, "queues served, as `name=workers ...`"
    )
    web_threads: int = _setting("CAESAR_WEB_THREADS", 8, _positive, "threads of the web server")
    turn_classifications: int = _setting(
        "CAESAR_TURN_CLASSIFICATIONS", 500, _positive, "classifications in one turn, at most"
    )
    turn_extracts: int = _setting(
        "CAESAR_TURN_EXTRACTS", 50_000, _positive, "earlier extracts that one turn loads, about"
    )
    sweep_seconds: int = _setting(
        "CAESAR_SWEEP_SECONDS", 30, _positive, "how often waiting work is rung for again"
    )
    action_attempts: int = _setting(
        "CAESAR_ACTION_ATTEMPTS", 25, _positive, "tries of an action before it is failed"
    )
    action_lease_seconds: int = _setting(
        "CAESAR_ACTION_LEASE_SECONDS", 60, _positive, "then a silent worker's action is retried"
    )
    commit_id: str = _setting("CAESAR_COMMIT_ID", "", str, "shown on the status page")

    @property
    def development(self) -> bool:
        return self.environment == "development"

    @property
    def secrets_file(self) -> Path:
        return self.home / "secrets"

    @property
    def runtime_folder(self) -> Path:
        return runtime_folder(self.home)

    @property
    def embedded_redis(self) -> bool:
        """Whether the queue is a server that we start ourselves."""
        return self.redis_url.startswith(f"unix://{self.runtime_folder}")

    @property
    def embedded_standin(self) -> bool:
        """Whether Panoptes is the stand-in that we start ourselves."""
        return self.panoptes_url == standin_url(self.standin_port)


def runtime_folder(home: Path) -> Path:
    """Where sockets live: short (a socket path has 107 bytes at most), one per home and user."""
    name = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"caesar-{os.getuid()}-{name}"


def standin_url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def load(environ: Mapping[str, str]) -> Config:
    """The configuration that `environ` asks for. Raises InvalidSetting, naming the variable."""
    known = {setting.metadata["variable"]: setting for setting in fields(Config)}
    for name in sorted(environ):
        if name.startswith("CAESAR_") and name not in known:
            raise InvalidSetting(f"{name}: no such setting. Known: {', '.join(sorted(known))}")
    values: dict[str, Any] = {}
    for name, setting in known.items():
        if text := environ.get(name, ""):
            try:
                values[setting.name] = setting.metadata["read"](text)
            except ValueError as problem:
                raise InvalidSetting(f"{name}: {problem}, not {text!r}") from None
    return _with_derived(values)


def _with_derived(values: dict[str, Any]) -> Config:
    plain = Config(**values)
    home = plain.home.resolve()
    derived = {
        "home": home,
        "database_url": f"sqlite:///{home / 'caesar.db'}",
        "redis_url": f"unix://{runtime_folder(home)}/redis.sock",
    }
    if plain.development:
        derived |= {"panoptes_url": standin_url(plain.standin_port)} | _development_secrets(home)
    complete = Config(**{**derived, **values, "home": home})
    for setting in fields(Config):
        needed = setting.default == "" and setting.name != "commit_id"
        if needed and not getattr(complete, setting.name):
            variable = setting.metadata["variable"]
            raise InvalidSetting(f"{variable}: must be set when CAESAR_ENV is production")
    return complete


def _development_secrets(home: Path) -> dict[str, str]:
    """Made once per home, readable by its owner alone."""
    file = home / "secrets"
    home.mkdir(parents=True, exist_ok=True)
    made = {
        "secret_key": secrets.token_hex(32),
        "panoptes_client_id": "caesar",
        "panoptes_client_secret": secrets.token_hex(32),
        "stream_username": "kinesis",
        "stream_password": secrets.token_hex(16),
    }
    whole = home / f"secrets.{os.getpid()}"
    whole.touch(mode=0o600)
    whole.write_bytes(orjson.dumps(made))
    try:
        os.link(whole, file)  # fails where another process was first; then its secrets count
    except FileExistsError:
        pass
    finally:
        whole.unlink()
    kept: dict[str, str] = orjson.loads(file.read_bytes())
    return kept
