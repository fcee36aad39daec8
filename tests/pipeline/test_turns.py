"""Turns: whose lanes they are, in which order they go, and what a failing one leaves behind."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from random import Random

import pytest
from flask import Flask
from sqlalchemy import create_engine, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from caesar_web.config import Config
from caesar_web.jobs.tasks import turns
from caesar_web.pipeline.processing import Limits, lanes_to_take
from caesar_web.store import configuration
from caesar_web.store.db import db
from caesar_web.store.inbox import LANES, Classification
from caesar_web.store.results import Extract, SubjectReduction
from tests.factories import JSON, make_event, make_workflow
from tests.jobs.running import eventually
from tests.pipeline.reading import light, rows, values
from tests.pipeline.steps import process, receive

SURVEY: JSON = {
    "extractors_config": {"survey": {"type": "survey"}},
    "reducers_config": {"counts": {"type": "stats"}},
}


@pytest.fixture
def workflow(app: Flask) -> int:
    with db.session.begin():
        return make_workflow(db.session(), **SURVEY).id


def waiting() -> list[int]:
    return values(Classification.id, Classification.processed_at.is_(None))


@contextmanager
def held(lane: int) -> Iterator[int]:
    """Another worker's turn over a lane; gives the id of its connection's process."""
    engine = create_engine(db.engine.url, poolclass=NullPool)
    connection = engine.connect()
    try:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": 100 * LANES + lane})
        process_id = int(connection.scalar(text("SELECT pg_backend_pid()")) or 0)
        yield process_id
    finally:
        connection.invalidate()
        connection.close()
    eventually(lambda: not is_there(process_id))  # which notices the closed connection by itself


def is_there(process_id: int) -> bool:
    found = "SELECT count(*) FROM pg_stat_activity WHERE pid = :id"
    with db.engine.connect() as connection:
        return bool(connection.scalar(text(found), {"id": process_id}))


# On SQLite there is one writer at a time, and no lock of a lane.
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@on_postgresql
@pytest.mark.parametrize("most", [2, 500])
def test_a_lane_that_another_works_on_is_left_out(workflow: int, most: int) -> None:
    receive(
        [make_event(id, subject=2 - id % 2, choice="lion") for id in range(10, 20)]
        + [make_event(20, subject=3, choice="lion")]
    )
    with held(1):
        assert process(limits=Limits(most, 50_000), first_lane=1) == 6
        assert waiting() == [11, 13, 15, 17, 19]
    assert process() == 5


@on_postgresql
def test_a_killed_connection_frees_its_lane(workflow: int) -> None:
    receive([make_event(1, choice="lion")])
    with held(1) as process_id:
        assert process() == 0
        with db.session.begin():
            db.session.execute(text("SELECT pg_terminate_backend(:id, 10000)"), {"id": process_id})
        assert process() == 1


def test_live_ones_come_before_backfilled_ones(workflow: int, config: Config) -> None:
    receive([make_event(id, subject=1, choice="lion") for id in range(1, 7)])
    with db.session.begin():
        db.session.execute(
            update(Classification).where(Classification.id <= 3).values(is_backfilled=True)
        )
    limited = replace(config, turn_classifications=3)
    assert turns(100, 0, limited).processed == 3
    assert values(Extract.classification_id) == [4, 5, 6]
    assert turns(100, 0, limited).processed == 3
    assert values(Extract.classification_id) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("waiting", "first", "most", "enough", "lanes"),
    [
        ({}, 0, 10, 5, []),
        ({3: 1, 1: 1, 2: 1}, 0, 10, 5, [1, 2, 3]),
        ({3: 1, 1: 1, 2: 1}, 2, 10, 5, [2, 3, 1]),
        ({63: 4, 0: 4, 1: 4, 2: 4}, 63, 10, 5, [63, 0, 1]),
        ({0: 5, 1: 1}, 0, 10, 5, [0]),
        ({0: 5, 1: 1}, 1, 10, 5, [1]),
        ({0: 1, 1: 5, 2: 1}, 0, 10, 5, [0, 2]),
        ({0: 1, 1: 1}, 0, 1, 1, [0]),
    ],
)
def test_which_lanes_a_turn_takes(
    waiting: dict[int, int], first: int, most: int, enough: int, lanes: list[int]
) -> None:
    assert lanes_to_take(waiting, first, most=most, enough=enough) == lanes


ON_POSTGRESQL = """
CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'this one is poison'; END $$;
CREATE TRIGGER poison BEFORE INSERT ON extracts FOR EACH ROW
WHEN (NEW.classification_id = 7) EXECUTE FUNCTION refuse()
"""
ON_SQLITE = """
CREATE TRIGGER poison BEFORE INSERT ON extracts WHEN NEW.classification_id = 7
BEGIN SELECT RAISE(ABORT, 'this one is poison'); END
"""


def test_a_classification_that_makes_a_turn_fail_is_set_aside(
    workflow: int, config: Config
) -> None:
    has_functions = db.engine.dialect.name == "postgresql"
    with db.session.begin():
        db.session.execute(text(ON_POSTGRESQL if has_functions else ON_SQLITE))
    receive([make_event(id, subject=1 + id % 3, choice="lion") for id in range(1, 13)])
    processed = 0
    while turn := turns(100, 0, config).processed:
        processed += turn
    assert processed == 11
    assert waiting() == [7]
    ((id, reason, attempts),) = rows(
        Classification.id,
        Classification.failed_reason,
        Classification.attempts,
        where=Classification.failed_reason.is_not(None),
    )
    assert (id, attempts) == (7, 1)
    assert "this one is poison" in reason
    assert "INSERT" not in reason  # nor what the volunteer wrote
    assert sum(data["lion"] for data in values(SubjectReduction.data)) == 11
    with db.session.begin():
        on = " ON extracts" if has_functions else ""
        db.session.execute(text(f"DROP TRIGGER poison{on}"))
    receive([make_event(7, subject=2, choice="zebra", changed=1)])  # a later version may do better
    assert process() == 1
    assert waiting() == []


def test_a_value_that_is_too_long_for_an_index_blocks_no_lane(app: Flask, config: Config) -> None:
    place = {"type": "pluck_field", "field_map": {"name": "$.metadata.place"}}
    grouping = {"field_name": "place.name"}
    with db.session.begin():
        make_workflow(
            db.session(),
            extractors_config={"place": place},
            reducers_config={"places": {"type": "count", "grouping": grouping}},
        )
    long = Random(1).randbytes(10_000).hex()  # beyond what compression could make of it
    receive([make_event(1, metadata={"place": long}), make_event(2, metadata={"place": "north"})])
    while turns(100, 0, config).processed:
        pass
    assert "north" in values(SubjectReduction.subgroup)
    failed = values(Classification.id, Classification.failed_reason.is_not(None))
    assert failed == ([1] if db.engine.dialect.name == "postgresql" else [])


def test_trouble_of_the_database_is_no_classifications_fault(workflow: int, config: Config) -> None:
    receive([make_event(id, choice="lion") for id in (1, 2)])
    with db_in_trouble(), pytest.raises(OperationalError):
        turns(100, 0, config)
    assert values(Classification.failed_reason) == [None, None]
    assert turns(100, 0, config).processed == 2
    assert values(SubjectReduction.data) == [{"lion": 2}]


@contextmanager
def db_in_trouble() -> Iterator[None]:
    """Another connection has what a turn needs, for longer than it waits."""
    if db.engine.dialect.name == "sqlite":
        with db.session.begin():
            db.session.execute(text("PRAGMA busy_timeout = 50"))
        db.session.remove()
        with closing(sqlite3.connect(db.engine.url.database or "", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
        return
    with db.session.begin():
        name = db.engine.url.database
        db.session.execute(text(f'ALTER DATABASE "{name}" SET lock_timeout = 50'))
    db.engine.dispose()
    other_engine = create_engine(db.engine.url, poolclass=NullPool)
    with other_engine.connect() as connection:
        connection.execute(text("LOCK TABLE extracts IN EXCLUSIVE MODE"))
        yield
        connection.rollback()


def test_an_extractor_that_fails_keeps_nothing_else_back(app: Flask) -> None:
    failing = {"type": "question", "task_key": "T9"}
    with db.session.begin():
        make_workflow(db.session(), extractors_config={"bad": failing, "who": {"type": "who"}})
    receive([make_event(id) for id in (1, 2)])
    assert process() == 2
    assert values(Extract.extractor_key) == ["who", "who"]
    bad, good = values(configuration.Extractor.id)
    assert (light("extractor", bad), light("extractor", good)) == ("xx", "")
