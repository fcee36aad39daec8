"""The real processes of one installation, as drills start, kill and revive them."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import psutil
import requests

from caesar_web import lifeline
from caesar_web.standin.forwarding import post_events
from tests.standin.server import StandinServer

Found = TypeVar("Found")

STREAM = ("kinesis", "the secret of the stream")
WORKERS = ("classifications-1", "classifications-2")
COMMANDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(WORKERS, ("worker", "classifications")),
    "actions": ("worker", "actions"),
    "web": ("web",),
    "scheduler": ("scheduler",),
    "runs": ("worker", "runs"),
}
MORE = {  # only where a drill wants them
    "actions-2": ("worker", "actions"),
    "external": ("worker", "external"),
}
OF_THE_STREAM = tuple(name for name in COMMANDS if name != "runs")
POLL_SECONDS = 0.02
PATIENCE_SECONDS = 90.0  # an unanswered ring may take half a minute to be repeated


class Installation:
    """Processes on one database and one queue. What ends is started again while a drill waits.

    Use it in the test's own thread only: the processes die with the thread that starts them.
    """

    def __init__(self, home: Path, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._logs = home / "logs"
        self._logs.mkdir(parents=True)
        own = {
            "CAESAR_HOME": str(home),
            "PORT": str(self.port),
            "KINESIS_STREAM_USERNAME": STREAM[0],
            "KINESIS_STREAM_PASSWORD": STREAM[1],
            "PANOPTES_CLIENT_ID": StandinServer.client_id,
            "PANOPTES_CLIENT_SECRET": StandinServer.client_secret,
            "PANOPTES_PUBLIC_KEY": "unused",
            "CAESAR_SWEEP_SECONDS": "1",
            "CAESAR_ACTION_LEASE_SECONDS": "3",
            "CAESAR_WEB_THREADS": "4",
        }
        self._environment = clean_environment() | own | settings
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        """Start these processes, or all that the stream needs; returns when the web answers."""
        for name in names or OF_THE_STREAM:
            self._launch(name)
        if "web" in self._running:
            self.eventually(self._answers)

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def freeze(self, name: str) -> None:
        os.kill(self.pid(name), signal.SIGSTOP)

    def kill(self, *names: str) -> None:
        """As the kernel does it when memory is short: at once, and only what is named."""
        for name in names:
            self._running[name].kill()
        for name in names:
            self._running.pop(name).wait()

    def kill_and_revive(self, *names: str) -> None:
        """Kill them all before the first of them starts again."""
        self.kill(*names)
        for name in names:
            self._launch(name)

    def eventually(self, check: Callable[[], Found], seconds: float = PATIENCE_SECONDS) -> Found:
        """What `check` gives as soon as it is true. Meanwhile it keeps the processes running."""

        def keep_and_check() -> Found:
            self._revive()
            return check()

        try:
            return eventually(keep_and_check, seconds)
        except AssertionError as problem:
            raise AssertionError(f"{problem}\n{self._last_words()}") from None

    def close(self) -> None:
        for process in self._running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _launch(self, name: str) -> None:
        with (self._logs / name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                lifeline.tied([sys.executable, "-m", "caesar_web", *{**COMMANDS, **MORE}[name]]),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _revive(self) -> None:
        for name, process in list(self._running.items()):
            if process.poll() is not None:
                self._launch(name)

    def _answers(self) -> bool:
        try:
            with requests.Session() as session:
                session.trust_env = False  # a proxy of the environment is not for loopback
                return session.get(f"{self.url}/", timeout=5).status_code < 500
        except requests.RequestException:
            return False

    def _last_words(self) -> str:
        return "\n".join(
            line
            for file in sorted(self._logs.iterdir())
            for line in (f"--- {file.name}", *file.read_text(errors="replace").splitlines()[-12:])
        )


class Poster(threading.Thread):
    """Posts events in order as the Lambda does: a batch is sent again until it was taken."""

    def __init__(self, url: str, events: Sequence[Mapping[str, Any]], *, batch: int) -> None:
        super().__init__(daemon=True)
        self.taken = 0
        self.refusals = 0
        self.slowest = 0.0
        self._url = url
        self._batches = [events[at : at + batch] for at in range(0, len(events), batch)]
        self._given_up = threading.Event()

    def run(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            for batch in self._batches:
                while not self._given_up.is_set() and not self._is_taken(batch, session):
                    self._given_up.wait(0.1)
                self.taken += len(batch)

    def give_up(self) -> None:
        self._given_up.set()
        self.join()

    def _is_taken(self, batch: Sequence[Mapping[str, Any]], session: requests.Session) -> bool:
        began = time.monotonic()
        try:
            post_events(batch, self._url, *STREAM, session)
        except requests.RequestException:
            self.refusals += 1
            return False
        self.slowest = max(self.slowest, time.monotonic() - began)
        return True


@contextmanager
def posting(
    installation: Installation, events: Sequence[Mapping[str, Any]], *, batch: int
) -> Iterator[Poster]:
    """The events on their way, in a thread of their own; at the end all of them were taken."""
    poster = Poster(installation.url, events, batch=batch)
    poster.start()
    try:
        yield poster
        installation.eventually(lambda: not poster.is_alive())
    finally:
        poster.give_up()


def eventually(check: Callable[[], Found], seconds: float = PATIENCE_SECONDS) -> Found:
    """What `check` gives as soon as it is true; an assertion fails if it never is."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, f"it did not happen within {seconds:g} s"
        time.sleep(POLL_SECONDS)
    return found


def children(pid: int) -> list[int]:
    """The process ids of all that a process has started, and of what those have."""
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def clean_environment() -> dict[str, str]:
    """The environment of this process, without what would decide something for the others."""
    own = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PORT", "WEB_CONCURRENCY"}
    unwanted = ("CAESAR_", "PANOPTES_", "KINESIS_")
    return {
        name: value
        for name, value in os.environ.items()
        if name not in own and not name.startswith(unwanted)
    }
