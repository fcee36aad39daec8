"""Panoptes fails for a while, and workers are killed meanwhile: what waited is done, and once."""

import os
from collections import Counter

import pytest
from sqlalchemy import select

from caesar_web.domain.hosts import host_of
from caesar_web.store import queries
from caesar_web.store.activity import Light
from caesar_web.store.db import db
from tests.jobs import stream
from tests.jobs.conftest import Expected
from tests.jobs.running import COMMANDS, Installation, posting
from tests.standin.server import StandinServer

pytestmark = pytest.mark.drill

EVENTS = 300
# In the suite another drill is on SQLite; `make drill` has both here too.
DATABASES = ["postgresql", "sqlite"][: 2 if "DRILL_TIMES" in os.environ else 1]


@pytest.mark.parametrize("installation", DATABASES, indirect=True)
def test_panoptes_fails_for_a_while_and_a_worker_is_killed(
    installation: Installation, standin: StandinServer, expected: Expected
) -> None:
    standin.fail("^/api/", status=503, message="busy", times=-1)
    installation.start(*COMMANDS, "actions-2")
    with posting(installation, stream.events(EVENTS), batch=20):
        installation.eventually(lambda: failures(standin) >= 3)
        installation.kill_and_revive("actions")
    installation.eventually(lambda: stream.progress() == EVENTS)  # all is decided meanwhile
    assert not done(standin)
    asked = len(standin.log("^/api/"))
    installation.eventually(lambda: failures(standin) >= 4)
    installation.kill_and_revive("actions", "actions-2")
    assert len(standin.log("^/api/")) - asked <= 10, "it is not left alone"
    standin.lift_faults()
    installation.eventually(lambda: stream.is_settled(EVENTS))
    stream.assert_same(stream.facts(), expected(EVENTS))
    repeated = stream.decided(least_attempts=2)  # whoever died may have asked just before
    for call, times in done(standin).items():
        assert times == 1 or call in repeated
    assert done(standin).keys() == stream.decided().keys()
    assert failures(standin) == 0


def failures(standin: StandinServer) -> int:
    """How many calls have failed one after the other, as the light of the stand-in has it."""
    queries.begin_reading(db.session())
    wanted = select(Light.outcomes).filter_by(kind="host", name=host_of(standin.url))
    outcomes = db.session.scalar(wanted) or ""
    db.session.remove()
    return len(outcomes) - len(outcomes.rstrip("x"))


def done(standin: StandinServer) -> Counter[tuple[str, int]]:
    """How often each effect on each target went well."""
    return stream.performed(standin, only_well=True)
