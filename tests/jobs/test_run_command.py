"""`caesar up` on a bare home: classifications come in, effects go out, and nothing is left over."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.jobs.running import children, clean_environment, eventually, free_port, gone

pytestmark = pytest.mark.drill

START_SECONDS = 120.0
SOON_SECONDS = 60.0


class Up:
    """One `caesar up`, with what it prints in a file."""

    def __init__(self, home: Path, output: Path) -> None:
        port, standin_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.standin_url = f"http://127.0.0.1:{standin_port}"
        self._output = output
        own = {
            "CAESAR_HOME": str(home),
            "PORT": str(port),
            "CAESAR_STANDIN_PORT": str(standin_port),
            "CAESAR_DEMO_RATE": "20",
        }
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "caesar_web", "up"],
                env=clean_environment() | own,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def says(self) -> str:
        return self._output.read_text()

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.says()
        return f"caesar_web runs at {self.url}" in self.says()

    def get(self, url: str, **headers: str) -> Any:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(url, headers=headers, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.get(f"{self.url}/", Accept="application/json")
        return status

    def retired(self) -> list[int]:
        """The subjects that Panoptes was asked to retire, and said yes."""
        query = "path=/retired_subjects$&method=POST"
        entries = self.get(f"{self.standin_url}/_stub/log?{query}")
        return [id for one in entries if one["status"] == 204 for id in one["body"]["subject_ids"]]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    started = Up(tmp_path / "home", tmp_path / "output")
    yield started
    started.process.kill()  # all that it has started dies with it
    started.process.wait()


def test_up_classifies_retires_and_stops(up: Up) -> None:
    eventually(up.is_up, START_SECONDS)

    newest = ("newest_extract_date", "newest_reduction_date", "newest_action_date")
    eventually(lambda: all(up.status()[name] for name in newest), SOON_SECONDS)
    eventually(up.retired, SOON_SECONDS)

    processes = children(up.process.pid)
    assert len(processes) >= 8, up.says()  # redis, stand-in, 3 workers, web twice, 2 schedulers
    os.kill(up.process.pid, signal.SIGTERM)
    assert up.process.wait(SOON_SECONDS) == 0, up.says()
    assert [pid for pid in processes if not gone(pid)] == []
    assert "Traceback" not in up.says()
    assert "starts again" not in up.says()
