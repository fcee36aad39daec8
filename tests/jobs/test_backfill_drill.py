"""A backfill that is disturbed in every way ends as if all of it had streamed in."""

import os
from collections.abc import Callable
from random import Random

import pytest
from sqlalchemy import select

from caesar_web.jobs import tasks
from caesar_web.store import run_statements as statements
from caesar_web.store.db import db
from caesar_web.store.queries import begin_reading
from caesar_web.store.runs import Run
from tests.jobs import stream
from tests.jobs.conftest import entered, undisturbed
from tests.jobs.running import WORKERS, Installation
from tests.pipeline.running import begin
from tests.standin.server import StandinServer

pytestmark = pytest.mark.drill

TIMES = int(os.environ.get("DRILL_TIMES", "1"))  # `make drill` says more
SEEDED = range(1001, 1200)  # with subject 70 those that the stand-in has already
MORE = range(50_001, 50_001 + 500 * TIMES - 200)
SUBJECTS = (70, *SEEDED, *MORE)
COUNT = 5_000 * TIMES
SET_OF_WORKFLOW, SERVICE_ACCOUNT = 7, 1
SECONDS = 60.0 + 120 * TIMES
AT_ONCE = 5_000


def furnish(standin: StandinServer) -> None:
    standin.add_subjects(SET_OF_WORKFLOW, first_id=MORE.start, count=len(MORE))


def run() -> Run:
    """The run as it is now."""
    begin_reading(db.session())
    found: Run = db.session.scalars(select(Run)).one()
    db.session.expunge(found)
    db.session.remove()
    return found


def test_a_backfill_is_disturbed_in_every_way(
    installation: Installation, standin: StandinServer, new_database: Callable[[str], str]
) -> None:
    events = stream.events(COUNT, subjects=SUBJECTS)
    with StandinServer() as another, entered(new_database("postgresql"), another):
        furnish(another)
        expected = undisturbed(events)
    furnish(standin)
    shuffled = [event["data"] for event in events]
    Random("order").shuffle(shuffled)
    for at in range(0, COUNT, AT_ONCE):
        standin.add_classifications(shuffled[at : at + AT_ONCE])
    standin.switch(token_seconds=62)  # such a token is renewed after two seconds
    standin.fail("^/api/subjects", status=500, times=1)

    def reach(share: float) -> None:
        installation.eventually(lambda: run().done >= share * len(SUBJECTS), SECONDS)

    run_id = begin("backfill", acts=True).run_id
    installation.start(*WORKERS, "actions", "runs", "scheduler")
    for share in (0.1, 0.3, 0.5):
        reach(share)
        installation.kill_and_revive("runs")
        standin.fail("^/api/classifications", status=429 if share > 0.1 else 500, times=1)
    reach(0.6)
    assert standin.revoke(user_id=SERVICE_ACCOUNT)
    reach(0.7)
    with tasks.transaction() as session:
        assert statements.stop(session, run_id, now=session.get_one(Run, run_id).progressed_at)
    installation.eventually(lambda: run().status == "cancelled")
    assert run().done < len(SUBJECTS), "it was over before it was stopped"
    with tasks.transaction() as session:
        stopped = session.get_one(Run, run_id)
        statements.resume(session, stopped, now=stopped.progressed_at)
    installation.eventually(lambda: run().finished_at is not None, SECONDS)
    installation.eventually(lambda: stream.is_settled(COUNT), SECONDS)
    found = run()
    assert (found.status, found.done, found.total) == ("finished", len(SUBJECTS), len(SUBJECTS))
    assert found.failed == 0
    assert found.turn > 4, "it was not taken up again each time"
    stream.assert_same(stream.facts(), expected)
    assert {entry["status"] for entry in standin.log("^/api/classifications")} >= {200, 429, 401}
