"""Exports in the test's own hands: asked for, carried out step by step, and read."""

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from caesar_web.domain.exports import Export
from caesar_web.jobs import tasks
from caesar_web.pipeline import exporting
from caesar_web.pipeline.exporting import Started
from caesar_web.store.db import db
from caesar_web.store.runs import DataRequest
from caesar_web.store.snapshot import Reducible
from tests.factories import START
from tests.pipeline.running import take_steps

WORKFLOW = Reducible("Workflow", 100)


def ask(kind: str = "extracts", *, reducible: Reducible = WORKFLOW, **wanted: Any) -> Started:
    """Somebody asks for an export."""
    with db.session.begin():
        started = exporting.ask(
            db.session(),
            reducible,
            Export(kind, **wanted),
            by="alice",
            by_id=2,
            is_public=False,
            now=datetime.now(UTC),
        )
    db.session.remove()
    return started


def export(kind: str = "extracts", **wanted: Any) -> str:
    """An export from its begin to its end: what is in its file."""
    started = ask(kind, **wanted)
    assert take_steps(started.run_id, works=False) == "finished"
    return content(started.request_id)


def request(id: UUID) -> DataRequest:
    """A data request as it is now."""
    with db.session.begin():
        found = db.session.get_one(DataRequest, id, populate_existing=True)
        db.session.expunge(found)
    db.session.remove()
    return found


def content(id: UUID) -> str:
    """What is in the file of a data request."""
    kept = request(id)
    path = tasks.storage().path(kept.file or "")
    assert path is not None
    body = path.read_bytes()
    assert len(body) == kept.size
    return (gzip.decompress(body) if kept.options["gzip"] else body).decode()


def write(table: Any, rows: Sequence[dict[str, Any]], **common: Any) -> None:
    """Rows of a table, as models write them."""
    with db.session.begin():
        db.session.add_all(
            table(**{"created_at": START, "updated_at": START, **common, **row}) for row in rows
        )
    db.session.remove()


FILL = {
    "postgresql": """
INSERT INTO extracts (classification_id, classification_at, extractor_key, project_id, workflow_id,
    workflow_version, subject_id, user_id, data, created_at, updated_at)
SELECT n, moment, 'survey', 10, 100, '1.1', n % 500 + 1, n % 100 + 1,
    CASE WHEN n % 7 = 0 THEN jsonb_build_object('n', n, 'b', 'x')
        ELSE jsonb_build_object('n', n) END,
    moment, moment
FROM (SELECT n, timestamptz '2026-01-01' + n * interval '1 second' AS moment
    FROM generate_series(1, :number) AS n) AS numbers
""",
    "sqlite": """
INSERT INTO extracts (classification_id, classification_at, extractor_key, project_id, workflow_id,
    workflow_version, subject_id, user_id, data, created_at, updated_at)
WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < :number),
numbers AS (SELECT n, strftime('%Y-%m-%dT%H:%M:%S.000000', 1767225600 + n, 'unixepoch')
    || '+00:00' AS moment FROM counted)
SELECT n, moment, 'survey', 10, 100, '1.1', n % 500 + 1, n % 100 + 1,
    CASE WHEN n % 7 = 0 THEN json_object('n', n, 'b', 'x') ELSE json_object('n', n) END,
    moment, moment
FROM numbers
""",
}


def fill_extracts(number: int) -> None:
    """So many extracts of workflow 100 by one statement; every seventh has a second key."""
    statement = FILL[db.engine.dialect.name].replace(":00", r"\:00").replace(":%", r"\:%")
    with db.engine.begin() as connection:
        connection.execute(text(statement), {"number": number})
