"""The command line: starting processes, configuration as a file, replaying classifications."""

import getpass
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import click
import flask_migrate
from flask import Flask
from sqlalchemy.orm import Session

from caesar_web import config as settings
from caesar_web import config_readers, logs, reporting, run_commands, supervisor
from caesar_web import replay as replaying
from caesar_web.app import ROOT, collect_seldom, create_app
from caesar_web.config import Config, InvalidSetting
from caesar_web.domain.documents import Document, read_document
from caesar_web.domain.events import LARGEST_ID
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.jobs import tasks, worker
from caesar_web.panoptes.answers import AnswerLabels
from caesar_web.panoptes.client import Panoptes
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.pipeline.configuring import Change, Unknown, configure
from caesar_web.pipeline.targets import Author
from caesar_web.pipeline.workflows import describe
from caesar_web.standin import demo as demonstration
from caesar_web.standin import forwarding, server
from caesar_web.store import audit_statements as audit
from caesar_web.store import transfer
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db

CONFIGURATIONS = Path(__file__).parent / "standin" / "configurations"
WORKFLOW_ID = click.IntRange(1, LARGEST_ID)

log = logging.getLogger(__name__)


def main() -> None:
    """The command `caesar`."""
    try:
        caesar()
    except InvalidSetting as problem:
        _give_up(str(problem))
    except Exception:
        log.critical("this process ends", exc_info=True)
        sys.exit(1)


def _give_up(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(1)


@click.group()
@click.pass_context
def caesar(context: click.Context) -> None:
    """The decision engine of a citizen-science platform. Settings come from the environment."""
    context.obj = settings.load(os.environ)
    logs.set_up(context.obj)
    reporting.begin(context.obj)


@caesar.command()
@click.pass_obj
def up(config: Config) -> None:
    """Start everything on this machine, and stop it on Ctrl-C."""
    sys.exit(supervisor.run(config))


@caesar.command()
@click.pass_obj
def web(config: Config) -> None:
    """Serve pages, the API and the ingest route."""
    gunicorn = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "deploy" / "gunicorn.py")]
    address = f"{config.host}:{config.port}"
    arguments = ["--bind", address, "--threads", str(config.web_threads), "wsgi:app"]
    os.execv(sys.executable, [*gunicorn, "--chdir", str(ROOT), *arguments])  # noqa: S606  # no shell


@caesar.command("worker")
@click.argument("queue")
@click.pass_obj
def work(config: Config, queue: str) -> None:
    """Work one QUEUE."""
    served = [name for name, _ in config.queues]
    if queue not in served:
        _give_up(f"CAESAR_QUEUES does not name the queue {queue!r}; it serves: {', '.join(served)}")
    app = create_app(config, pool_size=1 + worker.ASIDE.get(queue, 0))
    collect_seldom()
    worker.work(app, queue)


@caesar.command()
@click.pass_obj
def scheduler(config: Config) -> None:
    """Ring again and again for work that waits."""
    worker.schedule(create_app(config, pool_size=1))


@caesar.command("new-key")
def new_key() -> None:
    """Print a new key for ENCRYPTION_KEYS."""
    click.echo(config_readers.new_key())


@caesar.command()
@click.pass_obj
def migrate(config: Config) -> None:
    """Bring the database to the newest schema."""
    with _context(config):
        flask_migrate.upgrade(directory=str(ROOT / "migrations"))


@caesar.command()
@click.pass_obj
def standin(config: Config) -> None:
    """Serve the stand-in Panoptes."""
    server.serve(config)


@caesar.command()
@click.pass_obj
def demo(config: Config) -> None:
    """Post sample classifications, CAESAR_DEMO_RATE of them each second."""
    demonstration.run(config)


@caesar.command()
@click.pass_obj
def seed(config: Config) -> None:
    """Add the stand-in's workflows with sample configurations, where they are not there yet."""
    for file in sorted(CONFIGURATIONS.glob("*.json")):
        with _context(config):
            if not _is_known(int(file.stem)):
                click.echo(f"Adding workflow {file.stem}")
                _apply(int(file.stem), _read(file), "seed")


@caesar.group("config")
def configuration() -> None:
    """A workflow's configuration as a file."""


@configuration.command()
@click.argument("workflow_id", type=WORKFLOW_ID)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def apply(config: Config, workflow_id: int, file: Path) -> None:
    """Give WORKFLOW_ID the configuration in FILE, wholly or not at all.

    A workflow that is not known here is added as Panoptes describes it.
    """
    document = _read(file)
    with _context(config):
        changed = _apply(workflow_id, document, getpass.getuser())
    click.echo(f"Workflow {workflow_id} {'is configured' if changed else 'was so already'}.")


@configuration.command()
@click.argument("workflow_id", type=WORKFLOW_ID)
@click.pass_obj
def show(config: Config, workflow_id: int) -> None:
    """Print the configuration of WORKFLOW_ID."""
    with _context(config):
        workflow = db.session.get(Workflow, workflow_id)
        if workflow is None:
            _give_up(f"There is no workflow {workflow_id} here.")
        document = transfer.show(db.session(), workflow)
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


@caesar.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--url", help="Where to post; the web server of this configuration if not given.")
@click.option("--batch", type=click.IntRange(1, 10_000), default=100, help="Events a request.")
@click.option("--project-id", type=int, help="Project of a classification export, which lacks it.")
@click.option("--skip-bad", is_flag=True, help="Go on after lines that cannot be read.")
@click.pass_obj
def replay(
    config: Config, file: Path, url: str | None, batch: int, project_id: int | None, skip_bad: bool
) -> None:
    """Post the events in FILE: JSON lines, or a classification export (CSV)."""

    def post(events: Any) -> None:
        forwarding.post_events(
            events,
            url or f"http://127.0.0.1:{config.port}",
            config.stream_username,
            config.stream_password,
        )

    on_bad = (lambda bad: click.echo(str(bad), err=True)) if skip_bad else None
    panoptes = Panoptes(
        config.panoptes_url, config.panoptes_client_id, config.panoptes_client_secret
    )
    labels = AnswerLabels(panoptes)
    try:
        done = replaying.replay(
            file, post, batch=batch, project_id=project_id, answer_labels=labels, on_bad=on_bad
        )
    except (replaying.BadLine, PanoptesError, ValueError, OSError) as problem:
        _give_up(str(problem))
    click.echo(f"{done.events} events in {done.seconds:.1f} s, {done.rate:.0f} a second")
    if done.bad_lines:
        click.echo(f"{done.bad_lines} lines could not be read", err=True)


for each in run_commands.COMMANDS:
    caesar.add_command(each)


def _context(config: Config) -> Any:
    return _app(config).app_context()


def _app(config: Config) -> Flask:
    return create_app(config, pool_size=1)


def _read(file: Path) -> Document:
    """A document; the standard library's JSON keeps every number as it is written."""
    try:
        return read_document(json.loads(file.read_bytes()))
    except (ValueError, RecursionError) as problem:
        _give_up(f"{file}: not JSON: {problem}")
    except InvalidConfiguration as problem:
        _give_up("\n".join(f"{file}: {one}" for one in problem.problems))


def _is_known(workflow_id: int) -> bool:
    with tasks.transaction() as session:
        return session.get(Workflow, workflow_id) is not None


def _apply(workflow_id: int, document: Document, author: str) -> bool:
    try:
        known = _is_known(workflow_id)
        description = None if known else describe(tasks.panoptes(), workflow_id)
    except PanoptesError as problem:
        _give_up(f"Workflow {workflow_id} cannot be added: {problem.message}")
    now = datetime.now(UTC)

    @contextmanager
    def noted() -> Iterator[Session]:
        with tasks.transaction() as session:
            yield session
            audit.write_changes(session, now=now, actor=f"{author} (command line)")

    operator = Author(author, None, may_update=lambda _: True, is_admin=True)
    change = Change(operator, now, tasks.panoptes(), tasks.sealer(), noted)
    try:
        return configure(change, workflow_id, document, description=description)
    except InvalidConfiguration as invalid:
        _give_up("\n".join(map(str, invalid.problems)))
    except (PanoptesError, Unknown) as problem:
        _give_up(f"Workflow {workflow_id} cannot be configured: {problem}")
