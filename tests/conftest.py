"""The databases and the queue that tests share: migrated once, fresh for each test."""

import itertools
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache
from redis import Redis
from sqlalchemy import Engine, create_engine, event, text
from werkzeug.routing import Rule

from caesar_web import core
from caesar_web.app import create_app
from caesar_web.config import Config
from caesar_web.config_readers import new_key
from caesar_web.store.db import Base, db, prepare_engine
from tests.services import RedisServer, create_database, postgres, redis_server
from tests.standin.server import StandinServer

DATABASES = ("postgresql", "sqlite")
ENCRYPTION_KEY = new_key()
MOST_BYTES = 10 * 8192  # of a table whose rows are deleted: what is deleted stays in the file
LARGE = """
SELECT relname FROM pg_class WHERE relname = ANY (:names) AND pg_relation_size(oid) > :bytes
"""
RESTART = """
SELECT setval(format('%I.%I', schemaname, sequencename), start_value, false) FROM pg_sequences
WHERE last_value IS NOT NULL
"""

MakeConfig = Callable[..., Config]


def pytest_configure() -> None:
    """Every process that a test starts would compile all modules anew where none are kept."""
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest first, as a file is not divided among processes."""
    first = ("drill", "long", "browser")
    items.sort(key=lambda test: not any(mark in test.keywords for mark in first))


def pytest_collection_finish() -> None:
    """What was imported and collected stays: looking for garbage in it takes long."""
    core.collect_seldom()


@pytest.fixture(scope="session", autouse=True)
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Templates are compiled once for all applications of a process, as that takes long."""
    options = Flask.jinja_options
    cache = FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))
    Flask.jinja_options = {**options, "bytecode_cache": cache}
    yield
    Flask.jinja_options = options


@pytest.fixture(scope="session", autouse=True)
def compiled_routes() -> Iterator[None]:
    """So are routes, for which Werkzeug makes functions and expressions for every application."""
    compile_rule = Rule.compile
    known: dict[tuple[object, ...], Rule] = {}

    def remembered(rule: Rule) -> None:
        defaults = tuple(sorted((rule.defaults or {}).items()))
        how = (rule.merge_slashes, rule.map.host_matching)
        same = known.setdefault((rule.rule, rule.subdomain, rule.host, defaults, how), rule)
        if same is rule:
            compile_rule(rule)
            return
        for name in ("_parts", "_trace", "_converters", "arguments"):
            setattr(rule, name, getattr(same, name))
        for name in ("_build", "_build_unknown"):
            setattr(rule, name, getattr(same, name).__func__.__get__(rule))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "compile", remembered)
        yield


@pytest.fixture(scope="session", autouse=True)
def undurable_commits() -> Iterator[None]:
    """Commits on SQLite need not wait for the disk here, as those on PostgreSQL do not."""

    def prepare(engine: Engine) -> None:
        prepare_engine(engine)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", hurry)

    def hurry(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF").close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("caesar_web.core.prepare_engine", prepare)
        yield


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture(scope="session")
def redis_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis"), append_only=False) as server:
        yield server


@pytest.fixture(scope="session")
def standin_server() -> Iterator[StandinServer]:
    with StandinServer() as server:
        yield server


@pytest.fixture
def standin(standin_server: StandinServer) -> StandinServer:
    """The stand-in Panoptes, with the seeded world."""
    standin_server.reset()
    return standin_server


@pytest.fixture(scope="session")
def new_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], str]:
    """Makes a migrated, empty database of a kind; gives its URL."""
    numbers = itertools.count()
    templates: dict[str, str] = {}

    def make(kind: str) -> str:
        if kind not in templates:
            templates[kind] = empty(kind, "template")
            migrate(templates[kind])
        return empty(kind, f"test{next(numbers)}", template=templates[kind])

    def empty(kind: str, name: str, *, template: str | None = None) -> str:
        if kind == "postgresql":
            return create_database(request.getfixturevalue("postgres_url"), name, template=template)
        file = tmp_path_factory.mktemp(name, numbered=False) / "caesar.db"
        if template is not None:
            shutil.copyfile(template.removeprefix("sqlite:///"), file)  # which nobody has open
        return f"sqlite:///{file}"

    return make


def migrate(url: str) -> None:
    """Brings a database to the newest schema, and leaves no connection to it behind."""
    app = core.create_core(plain_config(database_url=url), pool_size=1)
    core.migrate(app)
    with app.app_context():
        db.engine.dispose()


def plain_config(**over: object) -> Config:
    """A configuration that depends on nothing outside."""
    values: dict[str, object] = {
        "home": Path("unused"),
        "secret_key": "a secret of tests",
        "encryption_keys": (ENCRYPTION_KEY,),
        "panoptes_public_key": "unused",
        "redis_url": "unix:///nowhere/redis.sock",
        "panoptes_url": "http://127.0.0.1:9",
        "panoptes_client_id": StandinServer.client_id,
        "panoptes_client_secret": StandinServer.client_secret,
        "stream_username": "kinesis",
        "stream_password": "the secret of the stream",
        "web_threads": 4,
    }
    return Config(**{**values, **over})  # type: ignore[arg-type]  # as the tests name them


@pytest.fixture(scope="session")
def shared_postgres(new_database: Callable[[str], str]) -> Iterator[Engine]:
    """One database for all tests that want no more than an empty one: making one takes long."""
    engine = create_engine(new_database("postgresql"), pool_size=1, pool_pre_ping=True)
    yield engine
    engine.dispose()


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, new_database: Callable[[str], str]) -> str:
    """An empty database, of each kind in turn."""
    if request.param == "sqlite":
        return new_database("sqlite")
    engine: Engine = request.getfixturevalue("shared_postgres")
    remove_all_rows(engine)
    return engine.url.render_as_string(hide_password=False)


def remove_all_rows(engine: Engine) -> None:
    """As if the tables were new. Rows are deleted unless many were there once: where a test leaves
    few, truncating takes twenty times as long."""
    names = [table.name for table in reversed(Base.metadata.sorted_tables)]
    with engine.begin() as connection:
        large = connection.scalars(text(LARGE), {"names": names, "bytes": MOST_BYTES}).all()
        if large:
            connection.execute(text(f"TRUNCATE {', '.join(large)} CASCADE"))
        deletions = (f"DELETE FROM {name}" for name in names)  # noqa: S608  # our own names
        connection.execute(text("; ".join(deletions)))
        connection.execute(text(RESTART))


@pytest.fixture
def redis_url(redis_of_session: RedisServer) -> str:
    with Redis.from_url(redis_of_session.url) as redis:
        redis.flushall()
    return redis_of_session.url


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    return plain_config(database_url=database_url, home=tmp_path)


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    """The application, with its context entered."""
    app = create_app(config)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
