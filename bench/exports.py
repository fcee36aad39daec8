"""How fast a large export is written, and how much memory its worker takes: on both databases."""

import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from bench.filling import PROJECT_ID, WORKFLOW_ID
from caesar_web.app import create_app
from caesar_web.core import ROOT, collect_seldom
from caesar_web.domain.exports import Export
from caesar_web.jobs import running
from caesar_web.pipeline import exporting
from caesar_web.pipeline.workflows import Description, add
from caesar_web.store.db import db
from caesar_web.store.run_statements import OVER
from caesar_web.store.snapshot import Reducible
from tests.conftest import migrate, plain_config
from tests.factories import START
from tests.pipeline.exports import fill_extracts, request
from tests.services import create_database, postgres

ROWS = 1_000_000
MOST_MEGABYTES = 150
MEGA = 1_000_000
EXPORTS = (
    ("CSV", Export("extracts")),
    ("CSV, gzip", Export("extracts", is_gzip=True)),
    ("JSON lines", Export("extracts", format="jsonl")),
)


@dataclass(frozen=True)
class ExportMeasured:
    """Of an export: its rows, how many of them in a second, its size, the worker's memory."""

    database: str
    export: str
    rows: int
    rows_per_second: int
    megabytes: int
    worker_megabytes: int
    longest_step: float


def measure(folder: Path) -> list[ExportMeasured]:
    """Fills each database with extracts, and lets processes of their own export them."""
    results = []
    with postgres() as server:
        urls = {
            "PostgreSQL": create_database(server, "exports"),
            "SQLite": f"sqlite:///{folder / 'caesar.db'}",
        }
        for database, url in urls.items():
            migrate(url)
            _fill(url)
            results += [_measured(database, url, folder, name) for name, _ in EXPORTS]
    return results


def _fill(url: str) -> None:
    app = create_app(plain_config(database_url=url))
    with app.app_context():
        with db.session.begin():
            add(db.session(), Description(WORKFLOW_ID, PROJECT_ID, "Lions", "Survey"), now=START)
        fill_extracts(ROWS)
        db.session.remove()
        db.engine.dispose()


def _measured(database: str, url: str, folder: Path, name: str) -> ExportMeasured:
    work = [sys.executable, "-m", "bench.exports", url, str(folder), name]
    told = subprocess.run(work, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return ExportMeasured(database, name, **json.loads(told.stdout))


def _work(url: str, folder: str, name: str) -> None:
    """One export, as a worker carries it out; prints its numbers."""
    app = create_app(plain_config(database_url=url, home=Path(folder)), pool_size=1)
    collect_seldom()
    with app.app_context():
        with db.session.begin():
            started = exporting.ask(
                db.session(),
                Reducible("Workflow", WORKFLOW_ID),
                dict(EXPORTS)[name],
                by="bench",
                by_id=None,
                is_public=False,
                now=START,
            )
        begun = time.perf_counter()
        longest = _carry_out(started.run_id)
        seconds = time.perf_counter() - begun
        print(json.dumps(_numbers(started.request_id, seconds, longest)))


def _carry_out(run_id: int) -> float:
    """All steps of a run; the seconds of the longest."""
    held = running.claim(run_id)
    assert held is not None
    longest = 0.0
    while True:
        begun = time.perf_counter()
        step, status = running.take_step(held)
        longest = max(longest, time.perf_counter() - begun)
        if status in OVER:
            return longest
        held = running.with_checkpoint(held, step.checkpoint)


def _numbers(request_id: UUID, seconds: float, longest: float) -> dict[str, float]:
    done = request(request_id)
    assert done.rows == ROWS
    return {
        "rows": ROWS,
        "rows_per_second": round(ROWS / seconds),
        "megabytes": round((done.size or 0) / MEGA),
        "worker_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000),
        "longest_step": round(longest, 2),
    }


if __name__ == "__main__":
    _work(*sys.argv[1:])
