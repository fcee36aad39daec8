"""Taking in and processing, as the web server and the workers do, but in the test's own hands."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from caesar_web.pipeline.ingest import Taken, take_in
from caesar_web.pipeline.processing import Limits, take_turn
from caesar_web.store.db import db

LIMITS = Limits(classifications=500, extracts=50_000)


def receive(events: Iterable[Any]) -> Taken:
    """One request's events."""
    with db.session.begin():
        taken = take_in(db.session(), events, now=datetime.now(UTC))
    db.session.remove()
    return taken


def process(workflow_id: int = 100, *, limits: Limits = LIMITS, first_lane: int = 0) -> int:
    """Turns until nothing waits; how many classifications they processed."""
    processed = 0
    while True:
        with db.session.begin():
            turn = take_turn(
                db.session(),
                workflow_id,
                first_lane=first_lane,
                limits=limits,
                now=datetime.now(UTC),
            )
        db.session.remove()
        processed += turn.processed
        if not turn.processed:
            return processed
