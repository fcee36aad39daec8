"""What the statements over results read, on a PostgreSQL that knows its tables or does not yet."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, text

from caesar_web.store.db import db
from caesar_web.store.result_statements import SUBJECT, USER, Topic, extracts_of, reductions_of
from caesar_web.store.snapshot import Reducible

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

WORKFLOW = Reducible("Workflow", 100)
TARGETS = range(100)  # so many that all of the workflow seems little beside them
EXTRACTS = """INSERT INTO extracts (id, classification_id, classification_at, extractor_key,
    project_id, workflow_id, subject_id, user_id, data, created_at, updated_at)
    SELECT id, id / 2, now(), CASE id % 2 WHEN 0 THEN 'even' ELSE 'odd' END,
    10, 100, (id / 2) % 2000, (id / 2) % 2000, '{}', now(), now()
    FROM generate_series(0, 19999) AS id"""
REDUCTIONS = """INSERT INTO {topic}_reductions ({topic}_id, reducible_type, reducible_id,
    reducer_key, data, created_at, updated_at)
    SELECT id / 5, 'Workflow', 100, 'r' || id % 5, '{{}}', now(), now()
    FROM generate_series(0, 9999) AS id"""


@pytest.fixture(params=["no statistics", "statistics"])
def filled(request: pytest.FixtureRequest, app: Flask) -> None:
    with db.session.begin():
        db.session.execute(text(EXTRACTS))
        for topic in ("subject", "user"):
            db.session.execute(text(REDUCTIONS.format(topic=topic)))
        if request.param == "statistics":
            for table in ("extracts", "subject_reductions", "user_reductions"):
                db.session.execute(text(f"ANALYZE {table}"))


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
        read = [_rows_read(*one) for one in list(statements)]
    # Of each extract of other extractors it is asked for what else its classification has.
    assert read == [1000, 1000 + 500, 500]


def _noted() -> list[tuple[str, Any]]:
    """The statements from now on, with what they are given."""
    noted: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, given: Any, *rest: Any) -> None:
        noted.append((statement, given))

    event.listen(db.session.connection(), "before_cursor_execute", note)
    return noted


def _rows_read(statement: str, given: Any) -> int:
    explained = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
    plan = db.session.connection().exec_driver_sql(explained, given).scalar_one()
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return sum(map(_of_node, _nodes(plan[0]["Plan"])))


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
