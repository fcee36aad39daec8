"""What the statements over results read, on a PostgreSQL that knows its tables or does not yet."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, text

from caesar_web.domain.classification import Extract
from caesar_web.store.counted_statements import counted_among
from caesar_web.store.db import db
from caesar_web.store.result_statements import SUBJECT, USER, Topic, extracts_of, reductions_of
from caesar_web.store.snapshot import Reducible

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

WORKFLOW = Reducible("Workflow", 100)
TARGETS = range(100)  # so many that all of the workflow seems little beside them
# The tables are so large that to read them as a whole never is as cheap as a hundred looks.
EXTRACTS = """INSERT INTO extracts (id, classification_id, classification_at, extractor_key,
    project_id, workflow_id, subject_id, user_id, data, created_at, updated_at)
    SELECT id, id / 2, now(), CASE id % 2 WHEN 0 THEN 'even' ELSE 'odd' END,
    10, 100, (id / 2) % 8000, (id / 2) % 8000, '{}', now(), now()
    FROM generate_series(0, 79999) AS id"""
REDUCTIONS = """INSERT INTO {topic}_reductions ({topic}_id, reducible_type, reducible_id,
    reducer_key, data, created_at, updated_at)
    SELECT id / 5, 'Workflow', 100, 'r' || id % 5, '{{}}', now(), now()
    FROM generate_series(0, 39999) AS id"""
COUNTED = """INSERT INTO extracts_user_reductions (reduction_id, extract_id, classification_id,
    extractor_key, user_id, subject_id)
    SELECT 1 + id % 800, id, id, 'survey', 1 + id % 800, id / 800
    FROM generate_series(0, 39999) AS id"""


@pytest.fixture(params=["no statistics", "statistics"])
def filled(request: pytest.FixtureRequest, app: Flask) -> None:
    with db.session.begin():
        db.session.execute(text(EXTRACTS))
        for topic in ("subject", "user"):
            db.session.execute(text(REDUCTIONS.format(topic=topic)))
        db.session.execute(text(COUNTED))
        if request.param == "statistics":
            db.session.execute(text("ANALYZE"))
        else:  # not even of what earlier tests had in these tables; PostgreSQL's own are below
            db.session.execute(text("DELETE FROM pg_statistic WHERE starelid >= 16384"))


@pytest.mark.parametrize("topic", [SUBJECT, USER], ids=lambda topic: topic.target)
@pytest.mark.usefixtures("filled")
def test_they_read_little_more_than_what_is_of_their_targets(topic: Topic) -> None:
    with db.session.begin():
        statements = _noted()
        found = extracts_of(db.session(), WORKFLOW, topic, TARGETS, most=5000)
        assert len(found) == 1000
        narrow = extracts_of(db.session(), WORKFLOW, topic, TARGETS, keys=["even"])
        assert {one.extractor_key for one in narrow} == {"even"}
        assert len(reductions_of(db.session(), WORKFLOW, topic, TARGETS)) == 500
        read = [sum(map(_of_node, _nodes(_plan(*one)))) for one in list(statements)]
    # Of each extract of other extractors it is asked for what else its classification has.
    assert read == [1000, 1000 + 500, 500]


@pytest.mark.usefixtures("filled")
def test_what_was_counted_is_looked_for_reduction_by_reduction() -> None:
    coming = {id: [_extract(80_000 + id, id), _extract(id - 1, id)] for id in range(1, 201)}
    with db.session.begin():
        statements = _noted()
        found = counted_among(db.session(), USER, dict.fromkeys(coming, "_default"), coming)
        assert sorted((id, one.extract_id) for id, one in found) == [(id, id - 1) for id in coming]
        plan = _plan(*statements[0])
    # Six hundred places in indexes, some pages deep; each with each would be 40,000.
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 8000


def _extract(id: int, user_id: int) -> Extract:
    now = datetime.now(UTC)
    return Extract(id, id, now, "survey", subject_id=id // 800, user_id=user_id, data={})


def _noted() -> list[tuple[str, Any]]:
    """The statements from now on, with what they are given."""
    noted: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, given: Any, *rest: Any) -> None:
        noted.append((statement, given))

    event.listen(db.session.connection(), "before_cursor_execute", note)
    return noted


def _plan(statement: str, given: Any) -> dict[str, Any]:
    """How it was carried out, once more."""
    explained = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
    told = db.session.connection().exec_driver_sql(explained, given).scalar_one()
    plan: dict[str, Any] = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
    return plan


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for one in plan.get("Plans", ()):
        yield from _nodes(one)


def _of_node(node: dict[str, Any]) -> int:
    """The rows of a table that a node looked at."""
    if "Relation Name" not in node:
        return 0
    removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    each = node["Actual Rows"] + sum(node.get(name, 0) for name in removed)
    return int(each * node["Actual Loops"])
