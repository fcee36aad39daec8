"""A service that does not answer for a while: no other is slowed, and in the end all is done."""

import sys
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Select, func, select

from caesar_web.domain.hosts import host_of
from caesar_web.store import queries
from caesar_web.store.activity import ExternalWork, Light
from caesar_web.store.configuration import Extractor, Workflow
from caesar_web.store.db import db
from caesar_web.store.results import Extract
from tests.jobs import stream
from tests.jobs.running import Installation, posting
from tests.standin.server import StandinServer

pytestmark = pytest.mark.drill

HALF = 60
STARTED = ("web", "classifications-1", "external", "scheduler", "actions")


def test_a_service_that_does_not_answer_slows_no_other(
    installation: Installation, standin: StandinServer
) -> None:
    slow = standin.url.replace("127.0.0.1", "localhost")  # the same server, but another host
    add_extractors(swift=f"{standin.url}/hook/swift", slow=f"{slow}/hook/slow")
    for name in ("swift", "slow"):
        standin.answer_hook(name, json={name: 1})
    installation.start(*STARTED)
    events = stream.events(2 * HALF)
    well = seconds_for(installation, events[:HALF], until=HALF)
    installation.eventually(lambda: made("slow") == HALF)
    standin.answer_hook("slow", json={"slow": 1}, delay=30)
    ill = seconds_for(installation, events[HALF:], until=2 * HALF)
    sys.stdout.write(
        f"{HALF} extracts of a service took {well:.1f} s; {ill:.1f} s beside one that hung\n"
    )
    assert made("slow") == HALF
    assert made("shape") == 2 * HALF, "our own extractors waited"
    installation.eventually(lambda: is_left_alone(host_of(slow)))
    installation.kill_and_revive("external")
    assert not is_left_alone(host_of(standin.url))
    standin.answer_hook("slow", json={"slow": 1})
    installation.eventually(lambda: made("slow") == 2 * HALF)
    installation.eventually(lambda: waiting() == 0)
    assert (made("swift"), made("slow"), made("shape")) == (2 * HALF,) * 3


def add_extractors(**urls: str) -> None:
    now = datetime.now(UTC)
    at = {"workflow_id": stream.WORKFLOW_ID, "created_at": now, "updated_at": now}
    with db.session.begin():
        for key, url in urls.items():
            db.session.add(Extractor(key=key, type="external", config={"url": url}, **at))
        db.session.get_one(Workflow, stream.WORKFLOW_ID).revision += 1
    db.session.remove()


def seconds_for(installation: Installation, events: list[stream.Facts], *, until: int) -> float:
    """How long it takes until the swift service has made so many extracts."""
    began = time.monotonic()
    with posting(installation, events, batch=20):
        installation.eventually(lambda: made("swift") == until)
    return time.monotonic() - began


def made(key: str) -> int:
    """How many extracts of an extractor there are."""
    return _count(select(func.count()).select_from(Extract).filter_by(extractor_key=key))


def waiting() -> int:
    return _count(select(func.count()).select_from(ExternalWork))


def is_left_alone(host: str) -> bool:
    held = select(func.count()).select_from(Light).filter_by(kind="host", name=host)
    return bool(_count(held.where(Light.held_until.is_not(None))))


def _count(statement: Select[Any]) -> int:
    queries.begin_reading(db.session())
    found = db.session.scalar(statement)
    db.session.remove()
    return int(found or 0)
