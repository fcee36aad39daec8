"""The environment, read once into one frozen dataclass; refuses what it does not know."""

import fcntl
import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import orjson

from caesar_web import config_readers as readers

DEMO_QUEUES = "classifications=2 actions=1 runs=1 external=1 aggregation=1"


class InvalidSetting(Exception):
    """A setting is missing, unknown or not of its kind. The text names the variable."""


def _setting(
    variable: str, default: Any, read: Callable[[str], Any], about: str, *, secret: bool = False
) -> Any:
    """A field of `Config`: its variable, its default, how its text is read, and what it is for."""
    meta = {"variable": variable, "read": read, "about": about, "secret": secret}
    return field(default=default, metadata=meta, repr=not secret)


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that the outside decides. An empty text means: derived, see `load`."""

    environment: str = _setting(
        "CAESAR_ENV", "development", readers.environment, "`development` or `production`"
    )
    home: Path = _setting("CAESAR_HOME", Path("var"), Path, "folder for everything that is written")
    host: str = _setting("CAESAR_HOST", "127.0.0.1", str, "address that the web server listens on")
    port: int = _setting("PORT", 3000, readers.port, "port of the web server")
    database_url: str = _setting(
        "DATABASE_URL", "", readers.database_url, "PostgreSQL 15+; unset: SQLite in `CAESAR_HOME`"
    )
    redis_url: str = _setting(
        "REDIS_URL", "", readers.url, "Redis or Valkey; unset: a server of our own on a unix socket"
    )
    secret_key: str = _setting(
        "SECRET_KEY",
        "",
        str,
        "signs cookies; made once in development, required in production",
        secret=True,
    )
    encryption_keys: tuple[str, ...] = _setting(
        "ENCRYPTION_KEYS",
        (),
        readers.keys,
        "keep tokens and passwords; the newest first, older ones still read;"
        " made once in development, required in production",
        secret=True,
    )
    public_url: str = _setting(
        "PUBLIC_URL", "", readers.url, "where people find this service; required in production"
    )
    trusted_proxies: int = _setting(
        "CAESAR_TRUSTED_PROXIES",
        0,
        readers.integer,
        "proxies in front whose X-Forwarded headers count",
    )
    http_to_loopback: bool = _setting(
        "CAESAR_HTTP_TO_LOOPBACK",
        False,
        readers.switch,
        "`yes`: effects may also call http addresses of this machine; only in development",
    )
    panoptes_url: str = _setting(
        "PANOPTES_URL", "", readers.url, "Panoptes; unset: the stand-in on `CAESAR_STANDIN_PORT`"
    )
    panoptes_client_id: str = _setting(
        "PANOPTES_CLIENT_ID", "", str, "OAuth application of this service"
    )
    panoptes_client_secret: str = _setting(
        "PANOPTES_CLIENT_SECRET", "", str, "its secret; made once for the stand-in", secret=True
    )
    panoptes_public_key: str = _setting(
        "PANOPTES_PUBLIC_KEY",
        "",
        str,
        "what its tokens are verified with: PEM text, or files of it, several for rotation;"
        " unset: the stand-in's",
    )
    stream_username: str = _setting(
        "KINESIS_STREAM_USERNAME", "", str, "basic auth of the ingest route"
    )
    stream_password: str = _setting(
        "KINESIS_STREAM_PASSWORD", "", str, "basic auth of the ingest route", secret=True
    )
    standin_port: int = _setting(
        "CAESAR_STANDIN_PORT", 3001, readers.port, "port of the stand-in Panoptes"
    )
    demo_rate: float = _setting(
        "CAESAR_DEMO_RATE",
        5.0,
        readers.rate,
        "sample classifications a second under `make run`; 0: none",
    )
    queues: tuple[tuple[str, int], ...] = _setting(
        "CAESAR_QUEUES",
        readers.queues(DEMO_QUEUES),
        readers.queues,
        "queues served, as `name=workers ...`",
    )
    web_threads: int = _setting(
        "CAESAR_WEB_THREADS", 8, readers.positive, "threads of the web server"
    )
    turn_classifications: int = _setting(
        "CAESAR_TURN_CLASSIFICATIONS", 500, readers.positive, "classifications in one turn, at most"
    )
    turn_extracts: int = _setting(
        "CAESAR_TURN_EXTRACTS", 50_000, readers.positive, "earlier extracts one turn loads, about"
    )
    sweep_seconds: int = _setting(
        "CAESAR_SWEEP_SECONDS", 30, readers.positive, "how often waiting work is rung for again"
    )
    action_attempts: int = _setting(
        "CAESAR_ACTION_ATTEMPTS", 25, readers.positive, "tries of an action before it is failed"
    )
    action_lease_seconds: int = _setting(
        "CAESAR_ACTION_LEASE_SECONDS",
        60,
        readers.positive,
        "then the action or run of a silent worker is taken up again",
    )
    retention_days: int = _setting(
        "CLASSIFICATION_RETENTION",
        30,
        readers.integer,
        "days for which processed classifications are kept; 0: for ever",
    )
    export_storage: str = _setting(
        "EXPORT_STORAGE",
        "",
        readers.storage,
        "where exports are kept: a folder, or `s3://bucket/prefix`;"
        " unset: `exports` in `CAESAR_HOME`",
    )
    alarm_webhook: str = _setting(
        "ALARM_WEBHOOK", "", readers.url, "address that alarms are posted to, as JSON", secret=True
    )
    aggregation_url: str = _setting(
        "AGGREGATION_URL",
        "",
        readers.url,
        "an online application of the aggregation library, asked in place of the one in process",
    )
    sqs_queues: tuple[str, ...] = _setting(
        "SQS_QUEUES", (), readers.names, "queues that reducers may send to; `*` stands for any text"
    )
    commit_id: str = _setting(
        "CAESAR_COMMIT_ID", "", str, "shown on the status page, and to those who monitor"
    )
    metrics_token: str = _setting(
        "CAESAR_METRICS_TOKEN",
        "",
        str,
        "bearer token that reads the metrics; this machine needs none where no proxy is trusted",
        secret=True,
    )
    log_format: str = _setting(
        "CAESAR_LOG_FORMAT",
        "",
        readers.log_format,
        "`text` or `json`; unset: text in development, json in production",
    )
    sentry_dsn: str = _setting(
        "SENTRY_DSN", "", str, "where errors are reported; needs the extra `sentry`", secret=True
    )

    @property
    def development(self) -> bool:
        return self.environment == "development"

    @property
    def secrets_file(self) -> Path:
        return self.home / "secrets"

    @property
    def exports_folder(self) -> Path:
        """Where exports are written, and kept unless there is another storage."""
        return self.home / "exports"

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
                given = "" if setting.metadata["secret"] else f", not {text!r}"
                raise InvalidSetting(f"{name}: {problem}{given}") from None
    return _with_derived(values)


def _with_derived(values: dict[str, Any]) -> Config:
    plain = Config(**values)
    home = plain.home.resolve()
    derived = {
        "home": home,
        "database_url": f"sqlite:///{home / 'caesar.db'}",
        "redis_url": f"unix://{runtime_folder(home)}/redis.sock",
        "log_format": "text" if plain.development else "json",
    }
    if plain.development:
        derived |= {"panoptes_url": standin_url(plain.standin_port)} | _development_secrets(home)
    complete = Config(**{**derived, **values, "home": home})
    if complete.embedded_standin and not complete.panoptes_public_key:
        key_file = home / "standin" / "panoptes.pub"
        complete = replace(complete, panoptes_public_key=str(key_file))
    if complete.http_to_loopback and not complete.development:
        raise InvalidSetting("CAESAR_HTTP_TO_LOOPBACK: must be no when CAESAR_ENV is production")
    _refuse_incomplete(complete)
    return complete


def _refuse_incomplete(config: Config) -> None:
    optional = {"commit_id", "metrics_token", "sentry_dsn", "export_storage", "alarm_webhook"}
    optional |= {"aggregation_url", "sqs_queues"}
    optional |= {"public_url"} if config.development else set()
    for setting in fields(Config):
        if setting.default in ("", ()) and setting.name not in optional:
            needed = (
                "for this PANOPTES_URL" if config.development else "when CAESAR_ENV is production"
            )
            if not getattr(config, setting.name):
                raise InvalidSetting(f"{setting.metadata['variable']}: must be set {needed}")


def _development_secrets(home: Path) -> dict[str, Any]:
    """Made once per home, readable by its owner alone."""
    home.mkdir(parents=True, exist_ok=True)
    made = {
        "secret_key": secrets.token_hex(32),
        "encryption_keys": [readers.new_key()],
        "panoptes_client_id": "caesar",
        "panoptes_client_secret": secrets.token_hex(32),
        "stream_username": "kinesis",
        "stream_password": secrets.token_hex(16),
    }
    folder = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # several processes may start at once
        kept = _secrets_with(made, home / "secrets")
    finally:
        os.close(folder)
    return {**kept, "encryption_keys": tuple(kept["encryption_keys"])}


def _secrets_with(made: dict[str, Any], file: Path) -> dict[str, Any]:
    """What the file holds; what an earlier version did not know of is added to it."""
    kept: dict[str, Any] = orjson.loads(file.read_bytes()) if file.exists() else {}
    if made.keys() <= kept.keys():
        return kept
    whole = file.with_name(f"{file.name}.{os.getpid()}")
    whole.touch(mode=0o600)
    whole.write_bytes(orjson.dumps({**made, **kept}))
    whole.replace(file)
    return {**made, **kept}
