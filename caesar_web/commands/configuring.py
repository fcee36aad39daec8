"""Commands that take a configuration as a file, and give it as one."""

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from flask.ctx import AppContext
from sqlalchemy.orm import Session

from caesar_web import core
from caesar_web.commands import give_up
from caesar_web.config import Config
from caesar_web.domain.documents import Document, read_document
from caesar_web.domain.events import LARGEST_ID
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.jobs import tasks
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.pipeline.configuring import Change, Unknown, configure
from caesar_web.pipeline.targets import Author
from caesar_web.pipeline.workflows import describe
from caesar_web.store import audit_statements as audit
from caesar_web.store import transfer
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db

CONFIGURATIONS = core.ROOT / "caesar_web" / "standin" / "configurations"
WORKFLOW_ID = click.IntRange(1, LARGEST_ID)


@click.command()
@click.pass_obj
def seed(config: Config) -> None:
    """Add the stand-in's workflows with sample configurations, where they are not there yet."""
    for file in sorted(CONFIGURATIONS.glob("*.json")):
        with _context(config):
            if not _is_known(int(file.stem)):
                click.echo(f"Adding workflow {file.stem}")
                _apply(int(file.stem), _read(file), "seed")


@click.group("config")
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
            give_up(f"There is no workflow {workflow_id} here.")
        document = transfer.show(db.session(), workflow)
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def _context(config: Config) -> AppContext:
    return core.create_core(config, pool_size=1).app_context()


def _read(file: Path) -> Document:
    """A document; the standard library's JSON keeps every number as it is written."""
    try:
        return read_document(json.loads(file.read_bytes()))
    except (ValueError, RecursionError) as problem:
        give_up(f"{file}: not JSON: {problem}")
    except InvalidConfiguration as problem:
        give_up("\n".join(f"{file}: {one}" for one in problem.problems))


def _is_known(workflow_id: int) -> bool:
    with tasks.transaction() as session:
        return session.get(Workflow, workflow_id) is not None


def _apply(workflow_id: int, document: Document, author: str) -> bool:
    try:
        known = _is_known(workflow_id)
        description = None if known else describe(tasks.panoptes(), workflow_id)
    except PanoptesError as problem:
        give_up(f"Workflow {workflow_id} cannot be added: {problem.message}")
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
        give_up("\n".join(map(str, invalid.problems)))
    except (PanoptesError, Unknown) as problem:
        give_up(f"Workflow {workflow_id} cannot be configured: {problem}")
