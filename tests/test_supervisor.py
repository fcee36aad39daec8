"""`caesar up`: its processes, and what becomes of them when they or it are killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from caesar_web import config
from caesar_web.processes import LONGEST_PAUSE, back_off, bound_log
from caesar_web.supervisor import plan

DRIVER = """
import json, os, sys
from caesar_web import config, supervisor
from caesar_web.processes import Process
stages = tuple(tuple(Process(**each) for each in stage) for stage in json.loads(sys.argv[1]))
sys.exit(supervisor.run(config.load(os.environ), stages, patience=float(sys.argv[2])))
"""
LIVES = 'echo $$ >> "$1"; exec sleep 1000'
# A loop, as a shell that is just about to wait can sleep through a signal.
LIVES_AND_TELLS_ITS_END = """
trap 'echo "$2" >> "$3"; exit 0' TERM
echo $$ >> "$1"
while :; do sleep 0.05; done
"""
HAS_A_CHILD = 'sleep 1000 & echo $! >> "$1"; echo $$ >> "$2"; wait'
FAILS = 'until [ -s "$1" ]; do sleep 0.05; done; echo no such table; exit 3'
CANNOT_BE_TERMINATED = """trap '' TERM; echo $$ >> "$1"; exec sleep 1000"""


def eventually(check: Callable[[], Any], seconds: float = 30.0) -> Any:
    """What `check` returns as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (result := check()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
    return result


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def shell(name: str, script: str, *arguments: object, once: bool = False) -> dict[str, object]:
    command = ["sh", "-c", script, "sh", *(str(argument) for argument in arguments)]
    return {"name": name, "command": command, "once": once}


def pids(file: Path, count: int = 1) -> list[int]:
    """The process ids that `file` has, once there are `count` of them."""

    def enough() -> list[int]:
        lines = file.read_text().split() if file.exists() else []
        return [int(line) for line in lines] if len(lines) >= count else []

    found: list[int] = eventually(enough)
    return found


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Runs:
    """Supervisors with stages of a test, all on one home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.started: list[subprocess.Popen[str]] = []

    def start(
        self, *stages: list[dict[str, object]], patience: float = 30.0
    ) -> subprocess.Popen[str]:
        own = {
            "CAESAR_HOME": str(self.home),
            "PORT": str(self.port),
            "CAESAR_STANDIN_PORT": str(free_port()),
        }
        started = subprocess.Popen(
            [sys.executable, "-c", DRIVER, json.dumps(stages), str(patience)],
            env={**os.environ, **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(started)
        return started


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    made = Runs(tmp_path / "home")
    yield made
    for supervisor in made.started:
        supervisor.kill()
        supervisor.communicate()


@pytest.fixture
def settings(tmp_path: Path) -> config.Config:
    return config.load({"CAESAR_HOME": str(tmp_path / "home")})


def names(stages: tuple[tuple[Any, ...], ...]) -> list[list[str]]:
    return [[process.name for process in stage] for stage in stages]


def test_plan_of_an_embedded_run(settings: config.Config) -> None:
    queues = (("classifications", 2), ("gold/x", 1))
    stages = plan(replace(settings, queues=queues), ["redis-server", "redis.conf"])
    assert names(stages) == [
        ["redis"],
        ["migrate"],
        ["standin"],
        ["seed"],
        ["worker-classifications-1", "worker-classifications-2", "worker-gold%2Fx-1"],
        ["web"],
        ["scheduler-1", "scheduler-2"],
        ["demo"],
    ]
    assert [stage[0].name for stage in stages if stage[0].once] == ["migrate", "seed"]
    commands = {process.name: process.command for stage in stages for process in stage}
    assert commands["redis"] == ("redis-server", "redis.conf")
    own = (sys.executable, "-m", "caesar_web")
    assert commands["worker-gold%2Fx-1"] == (*own, "worker", "gold/x")
    assert commands["scheduler-2"] == (*own, "scheduler")


def test_plan_without_the_embedded_parts(settings: config.Config) -> None:
    outside = replace(settings, panoptes_url="https://panoptes.example", queues=(("all", 1),))
    expected = [["migrate"], ["worker-all-1"], ["web"], ["scheduler-1", "scheduler-2"]]
    assert names(plan(outside, None)) == expected


def test_plan_without_a_demo(settings: config.Config) -> None:
    assert ["demo"] not in names(plan(replace(settings, demo_rate=0.0), None))


def test_pauses_double_up_to_the_longest() -> None:
    assert [back_off(failures) for failures in range(4)] == [0.2, 0.4, 0.8, 1.6]
    assert back_off(6) == back_off(10_000) == LONGEST_PAUSE


def test_a_log_that_grew_is_emptied_under_its_writer(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with log.open("a") as writer:
        print("first", file=writer, flush=True)
        bound_log(log, 100)
        assert log.read_text() == "first\n"
        bound_log(log, 5)
        print("second", file=writer, flush=True)
    assert log.read_text() == "second\n"
    assert (tmp_path / "web.log.1").read_text() == "first\n"


def test_a_killed_process_starts_again(runs: Runs, tmp_path: Path) -> None:
    supervisor = runs.start([shell("sleeper", LIVES, tmp_path / "pids")])
    first = pids(tmp_path / "pids")[0]
    os.kill(first, signal.SIGKILL)
    second = pids(tmp_path / "pids", 2)[1]
    assert not gone(second)
    supervisor.terminate()
    output, _ = supervisor.communicate(timeout=30)
    assert supervisor.returncode == 0
    assert gone(second)
    assert f"caesar_web runs at http://127.0.0.1:{runs.port}" in output
    assert output.count("(killed by SIGKILL); starts again in 0.2 s.") == 1
    assert "Traceback" not in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stops_in_the_reverse_order(runs: Runs, tmp_path: Path, number: signal.Signals) -> None:
    order, started = tmp_path / "order", tmp_path / "pids"
    stages = [[shell(name, LIVES_AND_TELLS_ITS_END, started, name, order)] for name in "abc"]
    supervisor = runs.start(*stages)
    pids(started, 3)
    supervisor.send_signal(number)
    output, _ = supervisor.communicate(timeout=30)
    assert supervisor.returncode == 0
    assert order.read_text().split() == ["c", "b", "a"]
    assert "Traceback" not in output


def test_what_does_not_stop_is_killed(runs: Runs, tmp_path: Path) -> None:
    stubborn_one = shell("stubborn", CANNOT_BE_TERMINATED, tmp_path / "pids")
    supervisor = runs.start([stubborn_one], patience=0.5)
    (stubborn,) = pids(tmp_path / "pids")
    supervisor.terminate()
    output, _ = supervisor.communicate(timeout=30)
    assert gone(stubborn)
    assert "stubborn did not stop in time; killed" in output


def test_what_a_dead_process_leaves_behind_is_killed(runs: Runs, tmp_path: Path) -> None:
    runs.start([shell("parent", HAS_A_CHILD, tmp_path / "children", tmp_path / "parents")])
    (parent,) = pids(tmp_path / "parents")
    (child,) = pids(tmp_path / "children")
    os.kill(parent, signal.SIGKILL)
    eventually(lambda: gone(child))


def test_nothing_outlives_a_killed_supervisor(runs: Runs, tmp_path: Path) -> None:
    sleepers = [shell(f"sleeper-{number}", LIVES, tmp_path / "pids") for number in range(3)]
    stubborn = shell("stubborn", CANNOT_BE_TERMINATED, tmp_path / "pids")
    supervisor = runs.start([*sleepers, stubborn])
    children = pids(tmp_path / "pids", 4)
    supervisor.kill()
    eventually(lambda: all(gone(child) for child in children))


def test_a_second_supervisor_of_the_same_home_is_refused(runs: Runs, tmp_path: Path) -> None:
    first = runs.start([shell("sleeper", LIVES, tmp_path / "pids")])
    (sleeper,) = pids(tmp_path / "pids")
    second = runs.start([shell("other", LIVES, tmp_path / "others")])
    output, _ = second.communicate(timeout=30)
    assert second.returncode == 1
    assert f"already runs on {runs.home} (process {first.pid})" in output
    assert not (tmp_path / "others").exists()
    assert not gone(sleeper)


def test_the_home_is_free_again_after_a_kill(runs: Runs, tmp_path: Path) -> None:
    first = runs.start([shell("sleeper", LIVES, tmp_path / "pids")])
    pids(tmp_path / "pids")
    first.kill()
    first.wait()
    runs.start([shell("sleeper", LIVES, tmp_path / "pids")])
    pids(tmp_path / "pids", 2)


def test_a_taken_port_is_refused(runs: Runs, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", runs.port)):
        supervisor = runs.start([shell("sleeper", LIVES, tmp_path / "pids")])
        output, _ = supervisor.communicate(timeout=30)
    assert supervisor.returncode == 1
    assert f"PORT: cannot listen on 127.0.0.1 port {runs.port}" in output
    assert not (tmp_path / "pids").exists()


def test_a_failed_preparation_ends_the_run_and_shows_its_log(runs: Runs, tmp_path: Path) -> None:
    supervisor = runs.start(
        [shell("sleeper", LIVES, tmp_path / "pids")],
        [shell("migrate", FAILS, tmp_path / "pids", once=True)],
        [shell("later", LIVES, tmp_path / "later")],
    )
    output, _ = supervisor.communicate(timeout=30)
    assert supervisor.returncode == 1
    assert "migrate failed (exit status 3)" in output
    assert "  no such table" in output
    assert gone(pids(tmp_path / "pids")[0])
    assert not (tmp_path / "later").exists()
