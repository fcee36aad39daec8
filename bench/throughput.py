"""Throughput from POST to the last performed action, by real processes on a durable database."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from flask import Flask
from sqlalchemy import event, func, select

from caesar_web.config import Config
from caesar_web.config_readers import new_key
from caesar_web.core import create_core, migrate
from caesar_web.domain.documents import read_document
from caesar_web.pipeline.ingest import take_in
from caesar_web.pipeline.processing import Limits, take_turn
from caesar_web.pipeline.workflows import Description, add
from caesar_web.standin import benchmark_events as scenarios
from caesar_web.standin.forwarding import post_events
from caesar_web.store import transfer
from caesar_web.store.activity import SubjectAction
from caesar_web.store.db import db
from caesar_web.store.effects import Saving
from caesar_web.store.inbox import Classification
from caesar_web.store.sealing import Sealer
from tests.jobs.running import STREAM, Installation
from tests.services import create_database, postgres, redis_server
from tests.standin.server import StandinServer

GOALS = {"wide": 3000, "deep": 1000}
LONGEST_SECONDS = 600.0
TURN = Limits(classifications=500, extracts=50_000)


@dataclass(frozen=True)
class Measured:
    """One scenario's numbers: classifications, rates a second, and megabytes at the most."""

    scenario: str
    classifications: int
    taken_in_per_second: float
    to_last_action_per_second: float
    goal_per_second: int
    actions: int
    statements_at_10: int
    statements_at_500: int
    worker_megabytes: float
    web_megabytes: float


def measure(scenario: str, seed: int, folder: Path) -> Measured:
    """Posts the scenario's batches one after the other and waits for the last action."""
    batches = list(getattr(scenarios, scenario)(seed))
    total = sum(map(len, batches))
    with postgres(durable=True) as server, StandinServer() as standin:
        statements = [
            _statements(create_database(server, f"turns{size}"), batches, size)
            for size in (10, 500)
        ]
        url = create_database(server, scenario)
        with redis_server(folder / "redis") as redis, _application(url) as app:
            installation = Installation(
                folder / "home",
                DATABASE_URL=url,
                REDIS_URL=redis.url,
                PANOPTES_URL=standin.url,
                CAESAR_SWEEP_SECONDS="30",
            )
            installation.start()
            try:
                started = time.perf_counter()
                for batch in batches:
                    post_events(batch, installation.url, *STREAM)
                taken = time.perf_counter()
                actions = _await_the_end(app, total)
                ended = time.perf_counter()
                workers = [installation.pid(f"classifications-{number}") for number in (1, 2)]
                return Measured(
                    scenario,
                    total,
                    round(total / (taken - started)),
                    round(total / (ended - started)),
                    GOALS[scenario],
                    actions,
                    statements_at_10=statements[0],
                    statements_at_500=statements[1],
                    worker_megabytes=max(map(_peak_megabytes, workers)),
                    web_megabytes=max(map(_peak_megabytes, _children(installation.pid("web")))),
                )
            finally:
                installation.close()


@contextmanager
def _application(url: str) -> Iterator[Flask]:
    """An application on a migrated database with the scenario's workflow."""
    config = Config(
        database_url=url, redis_url="unix:///nowhere", panoptes_url="http://127.0.0.1:9"
    )
    app = create_core(config, pool_size=config.web_threads)
    migrate(app)
    with app.app_context():
        now = datetime.now(UTC)
        with db.session.begin():
            description = Description(
                scenarios.WORKFLOW_ID, scenarios.PROJECT_ID, "Benchmark", "Benchmark"
            )
            workflow = add(db.session(), description, now=now)
            db.session.flush()
            document = read_document(scenarios.CONFIGURATION)
            saving = Saving("bench", None, now, Sealer([new_key()]), {})
            transfer.apply(db.session(), workflow, document, saving)
        db.session.remove()
        yield app
        db.session.remove()
        db.engine.dispose()


def _await_the_end(app: Flask, total: int) -> int:
    """Waits until all are processed and every action has been performed; how many there were."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        processed = _count(Classification.id, Classification.processed_at.is_not(None))
        if processed == total and not _count(SubjectAction.id, SubjectAction.status == "pending"):
            return _count(SubjectAction.id, SubjectAction.status == "completed")
        time.sleep(0.05)
    raise TimeoutError(f"not all was processed within {LONGEST_SECONDS:.0f} s")


def _count(column: Any, *where: Any) -> int:
    number = db.session.scalar(select(func.count(column)).where(*where)) or 0
    db.session.remove()
    return number


def _statements(url: str, batches: list[list[Any]], size: int) -> int:
    """How many SQL statements a turn over `size` classifications takes, the second of two."""
    events = [one for batch in batches for one in batch][: size * 2]
    seen: list[str] = []
    with _application(url):
        event.listen(db.engine, "before_cursor_execute", lambda *call: seen.append(call[2]))
        for part in (events[:size], events[size:]):
            with db.session.begin():
                take_in(db.session(), part, now=datetime.now(UTC))
            seen.clear()
            with db.session.begin():
                take_turn(
                    db.session(),
                    scenarios.WORKFLOW_ID,
                    first_lane=0,
                    limits=TURN,
                    now=datetime.now(UTC),
                )
    return len(seen)


def _children(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def _peak_megabytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def machine() -> str:
    """What the numbers were measured on."""
    cpus = Path("/proc/cpuinfo").read_text().split("model name", 1)[-1]
    return f"{os.cpu_count()} cores,{cpus.partition(':')[2].partition(chr(10))[0]}"
