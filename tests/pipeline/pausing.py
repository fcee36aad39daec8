"""Pausing in the test's own hands: as somebody does it, and what is left of it in the database."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from caesar_web.jobs import tasks
from caesar_web.panoptes.client import Panoptes
from caesar_web.pipeline.configuring import Change
from caesar_web.pipeline.pausing import Moved, move_part, move_project
from caesar_web.pipeline.targets import Author
from caesar_web.store import statuses
from caesar_web.store.configuration import Project, Workflow
from caesar_web.store.db import db
from caesar_web.store.snapshot import Reducible
from tests.factories import SEALER
from tests.pipeline.running import state, take_steps

WORKFLOW = Reducible("Workflow", 100)
PROJECT = Reducible("Project", 10)
NOBODY_ASKS = Panoptes("http://127.0.0.1:9", "nobody", "")


def change(name: str = "alice") -> Change:
    """A change right now, for which Panoptes is not asked."""
    author = Author(name, None, lambda project_id: True)
    return Change(author, datetime.now(UTC), NOBODY_ASKS, SEALER, tasks.transaction)


def move(kind: str, name: str, status: str, *, of: Reducible = WORKFLOW) -> Moved:
    """Gives a part a state; rules are named by their number from 0."""
    return move_part(change(), of, kind, part_id(kind, name, of=of), status)


def move_whole_project(status: str) -> Moved:
    with db.session.begin():
        project = db.session.get_one(Project, PROJECT.id)
        now = datetime.now(UTC)
        moved = move_project(db.session(), project, status, by="alice", by_id=None, now=now)
    db.session.remove()
    return moved


def make_up(moved: Moved) -> None:
    """Carries out the run that a state brought with it, to its end."""
    assert moved.run_id is not None
    take_steps(moved.run_id)
    run = state(moved.run_id)
    assert (run.status, run.acts, run.done) == ("finished", True, run.total or 0)


def part_id(kind: str, name: str, *, of: Reducible = WORKFLOW) -> int:
    owner: Any = Workflow if of.type == "Workflow" else Project
    with db.session.begin():
        row = db.session.scalars(select(owner).filter_by(id=of.id)).one()
        own = [
            each for each in statuses.parts(db.session(), row) if statuses.KINDS[type(each)] == kind
        ]
        named = {getattr(each, "key", str(at)): each.id for at, each in enumerate(own)}
    db.session.remove()
    return named[name]
