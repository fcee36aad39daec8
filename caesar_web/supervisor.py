"""`caesar up`: which processes an embedded run has; refuses, starts them and says where to look."""

import fcntl
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import click

from caesar_web import services
from caesar_web.config import Config
from caesar_web.processes import Child, Process, StartFailed, Supervisor, stop_signals_held
from caesar_web.standin.seed import PEOPLE

SCHEDULERS = 2
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  compared, not bound
Stages = tuple[tuple[Process, ...], ...]


class Refused(Exception):
    """`caesar up` cannot run here. The text says why, and what a person may do."""


def run(config: Config, stages: Stages | None = None, *, patience: float = 8.0) -> int:
    """Run everything until a signal says stop; the exit status. Tests bring stages of their own.

    `patience` is how many seconds the processes of a stage have to stop.
    """
    if sys.platform != "linux":
        return _fail(
            "caesar up works on Linux only. Elsewhere start its commands one by one:"
            " caesar migrate, web, worker QUEUE, scheduler (and standin, seed, demo)."
        )
    environment = {**os.environ, "CAESAR_HOME": str(config.home), "PYTHONUNBUFFERED": "1"}
    try:
        with stop_signals_held(), _only_one(config.home), _runtime_folder_gone(config):
            _refuse_taken_ports(config)
            if stages is None:
                redis = services.embedded_redis(config) if config.embedded_redis else None
                stages = plan(config, redis)
            supervisor = Supervisor(
                logs=config.home / "logs", environment=environment, say=_say, patience=patience
            )
            return supervisor.run(stages, lambda children: welcome(config, children))
    except (Refused, StartFailed, services.ServiceProblem) as problem:
        return _fail(str(problem))


def plan(config: Config, redis: Sequence[str] | None) -> Stages:
    """Stages in the order of their start; they are stopped in the reverse order."""
    stages: list[list[Process]] = []
    if redis is not None:
        server = Process(name="redis", command=tuple(redis), answers_at=config.redis_url)
        stages.append([server])
    stages.append([_caesar("migrate", once=True)])
    if config.embedded_standin:
        stages.append([_caesar("standin", answers_at=config.panoptes_url)])
        stages.append([_caesar("seed", once=True)])
    stages.append(
        [
            _caesar("worker", queue, number=number)
            for queue, count in config.queues
            for number in range(1, count + 1)
        ]
    )
    stages.append([_caesar("web", answers_at=address(config))])
    stages.append([_caesar("scheduler", number=number) for number in range(1, SCHEDULERS + 1)])
    if config.embedded_standin and config.demo_rate > 0:
        stages.append([_caesar("demo")])
    return tuple(tuple(stage) for stage in stages)


def address(config: Config) -> str:
    """Where a browser on this machine finds the web server."""
    host = ANYWHERE.get(config.host, config.host)
    return f"http://[{host}]:{config.port}" if ":" in host else f"http://{host}:{config.port}"


def welcome(config: Config, children: Sequence[Child]) -> str:
    """What runs, where it is and what to look at."""
    lines = ["", f"caesar_web runs at {address(config)}", ""]
    lines += [f"  {'process':<28} {'pid':>8}"]
    lines += [f"  {child.process.name:<28} {child.pid:>8}" for child in children]
    database = urlsplit(config.database_url)
    if database.hostname:
        lines += ["", f"  Database {database.hostname}{database.path}"]  # without its password
    lines += ["", f"  Data     {config.home}", f"  Logs     {config.home / 'logs'}"]
    lines += ["", f"  Status   {address(config)}"]
    if config.embedded_standin:
        lines += [
            f"  Stand-in {config.panoptes_url} (plays Panoptes)",
            f"  Try      {Path(sys.executable).parent / 'caesar'} config show 200",
            "",
            f"  Sign in at {address(config)}/auth/zooniverse as one of these people:",
        ]
        lines += [f"    {each.login:<6} {each.role:<14} {each.about}" for each in PEOPLE]
    return "\n".join([*lines, "", "Ctrl-C stops everything.", ""])


def _caesar(
    command: str,
    *arguments: str,
    number: int | None = None,
    once: bool = False,
    answers_at: str = "",
) -> Process:
    parts = [command, *arguments] + ([] if number is None else [str(number)])
    return Process(
        name=quote("-".join(parts), safe=""),
        command=(sys.executable, "-m", "caesar_web", command, *arguments),
        once=once,
        answers_at=answers_at,
    )


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """Hold the lock of this home; it goes with the process, however that ends."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "supervisor.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Refused(
                f"caesar up already runs on {home} (process {file.read().strip() or '?'})."
                " Stop it, or set CAESAR_HOME, PORT and CAESAR_STANDIN_PORT for another copy."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextmanager
def _runtime_folder_gone(config: Config) -> Iterator[None]:
    """Remove the folder of the sockets at the end, as it is not in the home."""
    try:
        yield
    finally:
        with suppress(OSError):
            config.runtime_folder.rmdir()


def _refuse_taken_ports(config: Config) -> None:
    wanted = [("PORT", config.host, config.port)]
    if config.embedded_standin:
        wanted.append(("CAESAR_STANDIN_PORT", "127.0.0.1", config.standin_port))
    with ExitStack() as held:
        for variable, host, port in wanted:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            try:
                held.enter_context(socket.create_server((host, port), family=family))
            except (OSError, OverflowError) as problem:
                setting = "PORT or CAESAR_HOST" if variable == "PORT" else variable
                reason = str(getattr(problem, "strerror", problem)).partition(" (")[0]
                raise Refused(
                    f"{variable}: cannot listen on {host} port {port} ({reason})."
                    f" Set another {setting}, for example: {variable}={port + 10} make run"
                ) from None


def _say(text: str) -> None:
    with suppress(OSError):  # nobody reads any more; that is no reason to stop
        click.echo(text)


def _fail(text: str) -> int:
    click.echo(text, err=True)
    return 1
