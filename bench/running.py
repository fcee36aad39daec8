"""What one more classification of a volunteer costs in running mode, after many others."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import event, select, text

from caesar_web.app import create_app
from caesar_web.pipeline import asked_reductions
from caesar_web.store import external_statements as statements
from caesar_web.store.db import db
from caesar_web.store.external_statements import Claim
from caesar_web.store.results import UserReduction
from tests.conftest import migrate, plain_config
from tests.factories import make_event, make_workflow
from tests.pipeline.steps import process, receive
from tests.services import create_database, postgres

SIZES = (1_000, 20_000)
TIMES = 40
USER = 1
URL = "https://services.example/running"
OF_USERS = {"topic": "reduce_by_user", "reduction_mode": "running_reduction"}
IN_PROCESS, ELSEWHERE = "count and stats", "a service"
KINDS: dict[str, dict[str, Any]] = {
    IN_PROCESS: {"count": {"type": "count", **OF_USERS}, "stats": {"type": "stats", **OF_USERS}},
    ELSEWHERE: {"service": {"type": "external", "url": URL, **OF_USERS}},
}


@dataclass(frozen=True)
class RunningMeasured:
    """Of one more classification: its time at a number of extracts, and the rows that it reads."""

    reducers: str
    extracts: int
    median: float
    worst: float
    rows: int


def measure() -> list[RunningMeasured]:
    """Fills a workflow for each kind of reducers, and takes classifications in one by one."""
    results = []
    with postgres() as server:
        for kind, reducers in KINDS.items():
            url = create_database(server, f"running_{len(reducers)}")
            migrate(url)
            app = create_app(plain_config(database_url=url))
            with app.app_context():
                with db.session.begin():
                    extractors = {"survey": {"type": "survey"}}
                    make_workflow(
                        db.session(), extractors_config=extractors, reducers_config=reducers
                    )
                step = _turn if kind == IN_PROCESS else _turn_and_answer
                results += [_measured(kind, size, step) for size in SIZES]
                db.session.remove()
                db.engine.dispose()
    return results


def _measured(kind: str, size: int, step: Callable[[], None]) -> RunningMeasured:
    """The volunteer has `size` extracts but for those that come now."""
    known = _known()
    _arrive(known + 1, size - TIMES)
    step()
    with db.engine.begin() as connection:  # as PostgreSQL does by itself after a while
        connection.execute(text("ANALYZE"))
    times = []
    with _rows_read() as rows:
        for id in range(size - TIMES + 1, size + 1):
            _arrive(id, id)
            rows.clear()
            started = time.perf_counter()
            step()
            times.append(1000 * (time.perf_counter() - started))
    assert _known() == size, "a classification was counted twice, or not at all"
    return RunningMeasured(
        kind, size, round(statistics.median(times), 1), round(max(times), 1), sum(rows)
    )


def _arrive(first: int, last: int) -> None:
    for at in range(first, last + 1, 500):
        ids = range(at, min(at + 500, last + 1))
        receive(make_event(id, subject=id, user=USER, choice="lion") for id in ids)


def _known() -> int:
    """How many classifications the volunteer's reduction has counted."""
    data = db.session.scalars(select(UserReduction.data).order_by(UserReduction.id)).first() or {}
    db.session.remove()
    known: int = data.get("classifications", 0)
    return known


def _turn() -> None:
    process()


def _turn_and_answer() -> None:
    """The service answers how many it was ever sent, so that nothing but our own work is timed."""
    process()
    now = datetime.now(UTC)
    with db.session.begin():
        session = db.session()
        claims: list[Claim] = statements.claim(
            session, "external", "services.example", now=now, lease_until=now, most=1
        )
        asked = asked_reductions.prepare(session, claims[0])
        assert asked is not None
    with db.session.begin():
        sent = asked.bodies["_default"]
        seen = sent["store"].get("seen", 0) + len(sent["extracts"])
        answer = {"data": {"classifications": seen}, "store": {"seen": seen}}
        asked_reductions.save(db.session(), asked, {"_default": answer}, now=now)
        statements.finish(db.session(), claims, now=now)
    db.session.remove()


@contextmanager
def _rows_read() -> Iterator[list[int]]:
    """How many rows each statement of a block gave or wrote."""
    rows: list[int] = []

    def count(_: Any, cursor: Any, *rest: Any) -> None:
        rows.append(max(cursor.rowcount, 0))

    event.listen(db.engine, "after_cursor_execute", count)
    try:
        yield rows
    finally:
        event.remove(db.engine, "after_cursor_execute", count)
