"""The environment: what is required, refused and derived, and secrets that are made once."""

import os
import stat
import subprocess
import sys
import tempfile
from dataclasses import fields
from pathlib import Path

import orjson
import pytest

from caesar_web.config import Config, InvalidSetting, load, runtime_folder
from caesar_web.config_readers import new_key
from caesar_web.core import ROOT

KEY, OLDER_KEY = new_key(), new_key()
PRODUCTION = {
    "CAESAR_ENV": "production",
    "SECRET_KEY": "a secret",
    "ENCRYPTION_KEYS": KEY,
    "PUBLIC_URL": "https://caesar.example.org",
    "PANOPTES_PUBLIC_KEY": "panoptes.pub",
    "PANOPTES_URL": "https://panoptes.example.org",
    "PANOPTES_CLIENT_ID": "id",
    "PANOPTES_CLIENT_SECRET": "its secret",
    "KINESIS_STREAM_USERNAME": "stream",
    "KINESIS_STREAM_PASSWORD": "its password",
}
# Every variable with a text that it takes and what that becomes, and a text that it refuses.
SETTINGS: dict[str, tuple[str, object, str | None]] = {
    "CAESAR_ENV": ("development", "development", "staging"),
    "CAESAR_HOME": ("somewhere", Path("somewhere"), None),
    "CAESAR_HOST": ("0.0.0.0", "0.0.0.0", None),  # noqa: S104  # a text, not bound
    "PORT": ("8080", 8080, "http"),
    "DATABASE_URL": (
        "postgres://u:p@db.example.org/caesar",
        "postgresql+psycopg://u:p@db.example.org/caesar",
        "mysql://db.example.org/caesar",
    ),
    "REDIS_URL": ("rediss://redis.example.org:6380/", "rediss://redis.example.org:6380", "redis"),
    "SECRET_KEY": ("s", "s", None),
    "ENCRYPTION_KEYS": (f"{KEY}, {OLDER_KEY}", (KEY, OLDER_KEY), "short"),
    "PUBLIC_URL": ("https://caesar.example.org/", "https://caesar.example.org", "caesar"),
    "CAESAR_TRUSTED_PROXIES": ("2", 2, "-1"),
    "CAESAR_HTTP_TO_LOOPBACK": ("yes", True, "true"),
    "PANOPTES_URL": ("https://panoptes.example.org/", "https://panoptes.example.org", "panoptes"),
    "PANOPTES_CLIENT_ID": ("i", "i", None),
    "PANOPTES_CLIENT_SECRET": ("s", "s", None),
    "PANOPTES_PUBLIC_KEY": ("a.pub b.pub", "a.pub b.pub", None),
    "KINESIS_STREAM_USERNAME": ("кинезис", "кинезис", None),
    "KINESIS_STREAM_PASSWORD": ("p", "p", None),
    "CAESAR_STANDIN_PORT": ("4001", 4001, "0"),
    "CAESAR_DEMO_RATE": ("0.5", 0.5, "-1"),
    "CAESAR_QUEUES": (
        "classifications=4 actions=2 busy=1",
        (("classifications", 4), ("actions", 2), ("busy", 1)),
        "classifications=0",
    ),
    "CAESAR_WEB_THREADS": ("16", 16, "0"),
    "CAESAR_TURN_CLASSIFICATIONS": ("50", 50, "many"),
    "CAESAR_TURN_EXTRACTS": ("1000", 1000, "1.5"),
    "CAESAR_SWEEP_SECONDS": ("5", 5, "0"),
    "CAESAR_ACTION_ATTEMPTS": ("3", 3, ""),
    "CAESAR_ACTION_LEASE_SECONDS": ("10", 10, "-10"),
    "CLASSIFICATION_RETENTION": ("7", 7, "-1"),
    "EXPORT_STORAGE": ("s3://a-bucket/exports", "s3://a-bucket/exports", "gs://a-bucket"),
    "ALARM_WEBHOOK": ("https://chat.example.org/x", "https://chat.example.org/x", "chat"),
    "AGGREGATION_URL": ("https://agg.example.org", "https://agg.example.org", "agg"),
    "SQS_QUEUES": ("galaxies-*, lions", ("galaxies-*", "lions"), None),
    "CAESAR_COMMIT_ID": ("abc123", "abc123", None),
    "CAESAR_METRICS_TOKEN": ("t", "t", None),
    "CAESAR_LOG_FORMAT": ("json", "json", "xml"),
    "SENTRY_DSN": ("https://key@sentry.example.org/1", "https://key@sentry.example.org/1", None),
}
MORE_REFUSED = [
    ("CAESAR_DEMO_RATE", "nan"),
    ("CAESAR_DEMO_RATE", "inf"),
    ("CAESAR_DEMO_RATE", "fast"),
    ("CAESAR_QUEUES", "classifications"),
    ("CAESAR_QUEUES", "=2"),
    ("CAESAR_QUEUES", "actions=1 actions=2"),
    ("PORT", "-1"),
    ("PORT", "0"),
    ("EXPORT_STORAGE", "s3://"),
    ("EXPORT_STORAGE", "s3://A_BUCKET"),
    ("EXPORT_STORAGE", "s3://a-bucket/what?"),
]
MADE = ("secret_key", "panoptes_client_id", "panoptes_client_secret", "stream_password")


def variables() -> list[str]:
    return [setting.metadata["variable"] for setting in fields(Config)]


def value_of(config: Config, variable: str) -> object:
    (name,) = [each.name for each in fields(Config) if each.metadata["variable"] == variable]
    value: object = getattr(config, name)
    return value


def test_every_setting_has_a_case() -> None:
    assert list(SETTINGS) == variables()


@pytest.mark.parametrize("variable", SETTINGS)
def test_a_setting_is_read(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text, value, _ = SETTINGS[variable]
    needed = {"PANOPTES_PUBLIC_KEY": "key.pub"} if variable == "PANOPTES_URL" else {}
    config = load({"CAESAR_HOME": str(tmp_path), **needed, variable: text})
    value = value.resolve() if isinstance(value, Path) else value
    assert value_of(config, variable) == value


@pytest.mark.parametrize(
    ("variable", "text"),
    [*((name, refused) for name, (_, _, refused) in SETTINGS.items() if refused), *MORE_REFUSED],
)
def test_what_is_not_of_its_kind_is_refused(variable: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=rf"^{variable}: must .*|^{variable}: '") as refusal:
        load({"CAESAR_HOME": str(tmp_path), variable: text})
    is_secret = variable in ("SECRET_KEY", "ENCRYPTION_KEYS", "ALARM_WEBHOOK")
    assert (repr(text) in str(refusal.value)) != is_secret


def test_an_unknown_setting_of_ours_is_refused_and_others_are_not(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"^CAESAR_PORT: no such.*CAESAR_HOME"):
        load({"CAESAR_HOME": str(tmp_path), "CAESAR_PORT": ""})
    load({"CAESAR_HOME": str(tmp_path), "PATH": "/bin", "REDIS_PORT": "1"})


@pytest.mark.parametrize("variable", [name for name in PRODUCTION if name != "CAESAR_ENV"])
@pytest.mark.parametrize("given", [{}, {"": ""}])
def test_production_needs_it(variable: str, given: dict[str, str], tmp_path: Path) -> None:
    environ = {**PRODUCTION, "CAESAR_HOME": str(tmp_path)}
    del environ[variable]
    environ |= {variable: ""} if given else {}
    with pytest.raises(InvalidSetting, match=f"^{variable}: must be set when CAESAR_ENV is prod"):
        load(environ)
    assert list(tmp_path.iterdir()) == []


def test_production_needs_no_more_and_writes_nothing(tmp_path: Path) -> None:
    config = load({**PRODUCTION, "CAESAR_HOME": str(tmp_path)})
    assert not config.development
    assert not config.embedded_standin
    assert (config.secret_key, config.stream_password) == ("a secret", "its password")
    assert list(tmp_path.iterdir()) == []


def test_logs_are_text_in_development_and_json_in_production(tmp_path: Path) -> None:
    here = {"CAESAR_HOME": str(tmp_path)}
    assert load(here).log_format == "text"
    assert load({**PRODUCTION, **here}).log_format == "json"
    assert load({**PRODUCTION, **here, "CAESAR_LOG_FORMAT": "text"}).log_format == "text"


def test_an_empty_text_is_no_setting(tmp_path: Path) -> None:
    config = load({"CAESAR_HOME": str(tmp_path), "PORT": "", "DATABASE_URL": ""})
    assert config.port == 3000


def test_what_is_derived(tmp_path: Path) -> None:
    config = load({"CAESAR_HOME": str(tmp_path), "CAESAR_STANDIN_PORT": "4001"})
    assert config.database_url == f"sqlite:///{tmp_path.resolve() / 'caesar.db'}"
    assert config.redis_url == f"unix://{runtime_folder(tmp_path)}/redis.sock"
    assert config.panoptes_url == "http://127.0.0.1:4001"
    assert config.embedded_redis
    assert config.embedded_standin
    assert config.panoptes_public_key == str(tmp_path.resolve() / "standin" / "panoptes.pub")
    assert config.development


def test_another_panoptes_needs_its_key(tmp_path: Path) -> None:
    given = {"CAESAR_HOME": str(tmp_path), "PANOPTES_URL": "https://panoptes.example.org"}
    with pytest.raises(
        InvalidSetting, match=r"^PANOPTES_PUBLIC_KEY: must be set for this PANOPTES"
    ):
        load(given)


def test_production_never_calls_over_http(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"^CAESAR_HTTP_TO_LOOPBACK: must be no"):
        load({**PRODUCTION, "CAESAR_HOME": str(tmp_path), "CAESAR_HTTP_TO_LOOPBACK": "yes"})


def test_secrets_are_not_in_what_is_printed(tmp_path: Path) -> None:
    more = {"CAESAR_METRICS_TOKEN": "its token", "SENTRY_DSN": "https://its-key@example.org/1"}
    config = load({**PRODUCTION, **more, "CAESAR_HOME": str(tmp_path)})
    for secret in ("a secret", KEY, "its secret", "its password", "its token", "its-key"):
        assert secret not in repr(config)


def test_what_is_given_is_not_derived(tmp_path: Path) -> None:
    given = {
        "REDIS_URL": "redis://127.0.0.1:6379",
        "PANOPTES_URL": "https://panoptes.example.org",
        "PANOPTES_PUBLIC_KEY": "panoptes.pub",
    }
    config = load({"CAESAR_HOME": str(tmp_path), **given})
    assert not config.embedded_redis
    assert not config.embedded_standin


def test_sockets_have_a_short_path_and_one_place_for_each_home(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 30)
    socket = load({"CAESAR_HOME": str(deep)}).redis_url.removeprefix("unix://")
    assert len(socket) - len(tempfile.gettempdir()) < 60
    assert runtime_folder(deep) != runtime_folder(tmp_path)
    assert runtime_folder(deep) == runtime_folder(deep / ".." / deep.name)


def test_exports_go_to_a_folder_of_the_home_or_another_one(tmp_path: Path) -> None:
    config = load({"CAESAR_HOME": str(tmp_path)})
    assert (config.export_storage, config.exports_folder) == ("", tmp_path.resolve() / "exports")
    config = load({"CAESAR_HOME": str(tmp_path), "EXPORT_STORAGE": str(tmp_path / "kept")})
    assert config.export_storage == str(tmp_path.resolve() / "kept")


def test_a_bucket_needs_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caesar_web.config_readers.find_spec", lambda name: None)
    with pytest.raises(InvalidSetting, match=r"^EXPORT_STORAGE: must have .*caesar-web\[aws\]"):
        load({"CAESAR_HOME": str(tmp_path), "EXPORT_STORAGE": "s3://a-bucket"})


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    environ = {"CAESAR_HOME": str(tmp_path / "new" / "home")}
    first = load(environ)
    assert all(getattr(first, name) for name in MADE)
    assert len({getattr(first, name) for name in MADE}) == len(MADE)
    assert load(environ) == first
    other = load({"CAESAR_HOME": str(tmp_path / "other")})
    assert other.secret_key != first.secret_key


def test_a_secret_that_an_earlier_version_did_not_know_is_added(tmp_path: Path) -> None:
    first = load({"CAESAR_HOME": str(tmp_path)})
    earlier = orjson.loads(first.secrets_file.read_bytes())
    del earlier["encryption_keys"]
    first.secrets_file.write_bytes(orjson.dumps(earlier))
    config = load({"CAESAR_HOME": str(tmp_path)})
    assert config.secret_key == first.secret_key
    assert config.encryption_keys
    assert load({"CAESAR_HOME": str(tmp_path)}) == config


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        config = load({"CAESAR_HOME": str(tmp_path)})
    finally:
        os.umask(before)
    assert stat.S_IMODE(config.secrets_file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secrets"]


def test_a_given_secret_wins_over_the_made_one(tmp_path: Path) -> None:
    config = load({"CAESAR_HOME": str(tmp_path), "SECRET_KEY": "mine"})
    assert config.secret_key == "mine"
    assert load({"CAESAR_HOME": str(tmp_path)}).secret_key != "mine"


def test_processes_that_start_at_once_have_the_same_secrets(tmp_path: Path) -> None:
    code = "import os; from caesar_web.config import load; print(load(os.environ).secret_key)"
    environ = {"PATH": os.environ["PATH"], "CAESAR_HOME": str(tmp_path / "home")}
    starting = [
        subprocess.Popen(
            [sys.executable, "-c", code], cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    outputs = {process.communicate(timeout=60)[0].strip() for process in starting}
    assert [process.returncode for process in starting] == [0] * 6
    kept = orjson.loads((tmp_path / "home" / "secrets").read_bytes())
    assert outputs == {kept["secret_key"]}
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["secrets"]
