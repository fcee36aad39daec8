"""Keeps child processes running: stages started in order, restarts, logs, an orderly stop."""

import http.client
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from caesar_web import lifeline, services

STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
WATCHED = {signal.SIGCHLD, *STOP_SIGNALS}
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
SETTLED_SECONDS = 30.0  # having lived so long, a process starts again without delay
START_SECONDS, START_ATTEMPTS = 60.0, 4
LOG_BYTES = 20_000_000
TICK_SECONDS = 5.0


class StartFailed(Exception):
    """A process that the others need did not come up. The text has the end of its log."""


class StopRequested(Exception):
    """A signal says stop."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """A program. With `once` it must end, with `answers_at` answer, before the next stage."""

    name: str
    command: tuple[str, ...]
    once: bool = False
    answers_at: str = ""


class Child:
    """A process through all of its lives."""

    def __init__(self, process: Process, logs: Path) -> None:
        self.process = process
        self.log = logs / f"{process.name}.log"
        self.failures = 0
        self.due: float | None = None
        self.started = 0.0
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return self._popen.pid if self._popen else 0

    def start(self, environment: Mapping[str, str], now: float) -> None:
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(  # noqa: S603  our own commands
                lifeline.tied(self.process.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,  # so that Ctrl-C reaches the supervisor alone
            )
        self.started, self.due = now, None

    def ended(self) -> int | None:
        """The exit status of a life that is over; what it has left behind is killed."""
        if self._popen is None:
            return 0
        if self._popen.returncode is not None:
            return self._popen.returncode
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        os.killpg(self.pid, signal.SIGKILL)  # its id is not reused while it is not yet reaped
        return self._popen.wait()

    def terminate(self) -> None:
        if self.ended() is None:
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        if self.ended() is None and self._popen:
            os.killpg(self.pid, signal.SIGKILL)
            self._popen.wait()


class Supervisor:
    """Starts stages in order, restarts what dies, stops all in the reverse order."""

    def __init__(
        self,
        *,
        logs: Path,
        environment: Mapping[str, str],
        say: Callable[[str], None],
        patience: float,
    ) -> None:
        self._logs = logs
        self._environment = environment
        self._say = say
        self._patience = patience
        self._stages: list[list[Child]] = []

    @property
    def _children(self) -> list[Child]:
        return [child for stage in self._stages for child in stage]

    def run(
        self, stages: Sequence[Sequence[Process]], welcome: Callable[[Sequence[Child]], str]
    ) -> int:
        """Returns 0 when a signal said stop and all are gone. Raises StartFailed."""
        self._logs.mkdir(parents=True, exist_ok=True)
        try:
            for stage in stages:
                self._start(stage)
            self._say(welcome([child for child in self._children if not child.process.once]))
            while True:
                self._watch(TICK_SECONDS)
        except StopRequested:
            self._say("\nStopping. Ctrl-C again kills what is left.")
            return 0
        finally:
            self._stop()

    def _start(self, stage: Sequence[Process]) -> None:
        self._say(f"Starting {', '.join(process.name for process in stage)}")
        children = [Child(process, self._logs) for process in stage]
        self._stages.append(children)
        for child in children:
            _set_aside(child.log)
            child.start(self._environment, time.monotonic())
        for child in children:
            if child.process.once:
                self._await_end(child)
            elif child.process.answers_at:
                self._await_answer(child)

    def _await_end(self, child: Child) -> None:
        while (status := child.ended()) is None:
            self._watch(TICK_SECONDS)
        if status != 0:
            raise StartFailed(_with_log(f"{child.process.name} failed ({_reason(status)})", child))

    def _await_answer(self, child: Child) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not answers(child.process.answers_at):
            if time.monotonic() > deadline or child.failures >= START_ATTEMPTS:
                place = child.process.answers_at
                raise StartFailed(_with_log(f"{child.process.name}: no answer at {place}", child))
            self._watch(0.1)

    def _watch(self, seconds: float) -> None:
        """Wait for a signal or `seconds`, then start what is due again."""
        now = time.monotonic()
        pauses = [child.due - now for child in self._children if child.due is not None]
        received = signal.sigtimedwait(WATCHED, max(0.0, min([seconds, *pauses])))
        if received and received.si_signo in STOP_SIGNALS:
            raise StopRequested
        for child in self._children:
            bound_log(child.log, LOG_BYTES)
            if not child.process.once:
                self._keep(child, time.monotonic())

    def _keep(self, child: Child, now: float) -> None:
        if child.due is None:
            status = child.ended()
            if status is not None:
                lived = now - child.started
                self._rest(child, lived, f"ended after {lived:.1f} s ({_reason(status)})")
        elif now >= child.due:
            try:
                child.start(self._environment, now)
            except OSError as problem:
                self._rest(child, 0.0, f"could not start ({problem})")

    def _rest(self, child: Child, lived: float, what: str) -> None:
        child.failures = 0 if lived >= SETTLED_SECONDS else child.failures
        pause = back_off(child.failures)
        child.failures += 1
        child.due = time.monotonic() + pause
        self._say(f"{child.process.name} {what}; starts again in {pause:g} s. Log: {child.log}")

    def _stop(self) -> None:
        patience = self._patience
        for stage in reversed(self._stages):
            for child in stage:
                child.terminate()
            if not _all_end(stage, time.monotonic() + patience):
                patience = 0.0
            for child in stage:
                if child.ended() is None:
                    self._say(f"{child.process.name} did not stop in time; killed")
                    child.kill()


def back_off(failures: int) -> float:
    """The pause before the next start, after so many short lives in a row."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures, 10))


def answers(url: str) -> bool:
    """Whether a server, HTTP or Redis, answers at `url`."""
    parts = urlsplit(url)
    if parts.scheme != "http":
        return services.answers(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=3)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def bound_log(log: Path, limit: int) -> None:
    """Empty a log over `limit` bytes, under the process that appends to it; the old text stays."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > limit:
            with suppress(OSError):  # a full disk is a reason more to empty it
                shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)


@contextmanager
def stop_signals_held() -> Iterator[None]:
    """Signals wait until `Supervisor` asks for them, so that none comes at a bad moment."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it would take the exit statuses away
    held = {each for each in WATCHED if signal.getsignal(each) is not signal.SIG_IGN}  # nohup
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _all_end(stage: Sequence[Child], deadline: float) -> bool:
    """Wait for `stage` to end. False at once when another signal says stop."""
    while any(child.ended() is None for child in stage):
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            return True
        received = signal.sigtimedwait(WATCHED, remaining)
        if received and received.si_signo in STOP_SIGNALS:
            return False
    return True


def _reason(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def _with_log(problem: str, child: Child) -> str:
    lines = child.log.read_text(errors="replace").splitlines()[-15:]
    return "\n".join([f"{problem}. The end of {child.log}:", *(f"  {line}" for line in lines)])


def _set_aside(log: Path) -> None:
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
