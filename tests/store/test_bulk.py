"""Many rows in one statement: odd values come back as they went in, equal on both databases."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from caesar_web.domain.values import same
from caesar_web.store import bulk
from caesar_web.store.db import db
from caesar_web.store.inbox import Classification
from caesar_web.store.results import Extract

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
EXTRACTS: Any = Extract.__table__
CLASSIFICATIONS: Any = Classification.__table__
COLUMNS = (
    "classification_id",
    "classification_at",
    "extractor_key",
    "workflow_id",
    "subject_id",
    "user_id",
    "data",
    "created_at",
    "updated_at",
)
VALUES = [
    {},
    [],
    {"a": 1, "b": [1, 2.5, True, False, None, "x"], "c": {"d": {"e": []}}},
    0,
    1,
    -1,
    1.5,
    0.1,
    1e-7,
    1e22,
    -0.0,
    True,
    False,
    "",
    "text",
    "null",
    "true",
    "1",
    '"quoted"',
    "back\\slash \b\f\n\r\t\x1f\x7f",
    "löwe 🦁 \u2028 \ufeff \U0010ffff",
    2**53 + 1,
    2**63 - 1,
    -(2**63),
    2**64,
    -(2**200),
    12345678901234567890123,
    [None],
    [[["deep"]]],
    {"": 0, " ": 1, "a.b": 2, '"': 3, "$": 4, "'": 5, "🦁": 6, "null": None},
    {"true": True, "false": False, "one": 1, "zero": 0},
    {"mixed": [12345678901234567890123, True, None, 1.0]},
]


def row(id: int, **over: Any) -> dict[str, Any]:
    return {
        "classification_id": id,
        "classification_at": NOON,
        "extractor_key": "key",
        "workflow_id": 1,
        "subject_id": 1,
        "user_id": None,
        "data": None,
        "created_at": NOON,
        "updated_at": NOON,
    } | over


def written() -> list[Extract]:
    found = list(db.session.scalars(select(Extract).order_by(Extract.classification_id)))
    db.session.expunge_all()
    db.session.remove()
    return found


def insert(*rows: dict[str, Any], **options: Any) -> list[Any]:
    with db.session.begin():
        made = bulk.insert(db.session(), EXTRACTS, rows, columns=COLUMNS, **options)
    db.session.remove()
    return made


def as_read(value: Any) -> Any:
    """Whole numbers beyond 64 bits are read as decimal ones, wherever they stand."""
    if isinstance(value, list):
        return [as_read(member) for member in value]
    if isinstance(value, dict):
        return {key: as_read(member) for key, member in value.items()}
    is_beyond = isinstance(value, int) and not -(2**63) <= value < 2**64
    return float(value) if is_beyond else value


def exactly(value: Any) -> str:
    """JSON text that tells true from 1."""
    return json.dumps(value, sort_keys=True)


def test_json_values_come_back(app: Flask) -> None:
    insert(*(row(id, data=value) for id, value in enumerate(VALUES)))
    for extract, value in zip(written(), VALUES, strict=True):
        assert same(extract.data, as_read(value)), value
        if not isinstance(as_read(value), float):  # 1e22 may come back as a whole number
            assert exactly(extract.data) == exactly(as_read(value))


def test_they_come_back_after_an_update_too(app: Flask) -> None:
    insert(*(row(id) for id in range(len(VALUES))))
    ids = [extract.id for extract in written()]
    with db.session.begin():
        rows = ({"id": id, "data": value} for id, value in zip(ids, VALUES, strict=True))
        bulk.update(db.session(), EXTRACTS, rows, key="id", columns=("data",))
    for extract, value in zip(written(), VALUES, strict=True):
        assert same(extract.data, as_read(value)), value


def test_they_are_what_the_mapper_would_have_written(app: Flask) -> None:
    insert(*(row(id, data=value) for id, value in enumerate(VALUES)))
    with db.session.begin():
        for id, value in enumerate(VALUES):
            db.session.add(Extract(**row(1000 + id, data=value)))
    values = [extract.data for extract in written()]
    half = len(VALUES)
    assert [exactly(one) for one in values[:half]] == [exactly(one) for one in values[half:]]


def test_null_is_null_of_the_database(app: Flask) -> None:
    insert(row(1), row(2, data=[None]), row(3, data="null"))
    absent = text("SELECT classification_id FROM extracts WHERE data IS NULL")
    assert list(db.session.scalars(absent)) == [1]
    assert [extract.data for extract in written()] == [None, [None], "null"]
    with db.session.begin():
        rows = [{"id": extract.id, "data": None} for extract in written()]
        bulk.update(db.session(), EXTRACTS, rows, key="id", columns=("data",))
    assert len(list(db.session.scalars(absent))) == 3
    db.session.remove()


def test_ids_and_texts_and_moments_come_back(app: Flask) -> None:
    elsewhere = timezone(timedelta(hours=-5, minutes=-30))
    odd = "key 'of' \"löwe\" 🦁; DROP TABLE extracts --"
    moment = datetime(2026, 6, 30, 23, 59, 59, 999_999, tzinfo=elsewhere)
    insert(
        row(2**63 - 1, user_id=2**63 - 1, subject_id=2**53 + 1, extractor_key=odd),
        row(1, classification_at=moment, created_at=datetime(1, 1, 1, tzinfo=UTC)),
    )
    first, last = written()
    assert (last.classification_id, last.user_id, last.subject_id) == (
        2**63 - 1,
        2**63 - 1,
        2**53 + 1,
    )
    assert last.extractor_key == odd
    assert first.classification_at == moment
    assert first.classification_at.utcoffset() == timedelta(0)
    assert first.created_at == datetime(1, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("gold", [True, False, None])
def test_truth_values_come_back(app: Flask, gold: bool | None) -> None:
    values = {
        "id": 1,
        "project_id": 1,
        "workflow_id": 1,
        "workflow_version": None,
        "subject_id": 1,
        "annotations": {},
        "metadata": {"gold": gold},
        "gold_standard": gold,
        "created_at": NOON,
        "updated_at": NOON,
        "received_at": NOON,
        "position": 1,
        "lane": 1,
    }
    with db.session.begin():
        bulk.insert(db.session(), CLASSIFICATIONS, [values], columns=tuple(values))
    kept = db.session.get_one(Classification, 1)
    assert kept.gold_standard is gold
    assert kept.metadata_ == {"gold": gold}
    assert (kept.is_changed, kept.attempts) == (False, 0)  # left to the database
    db.session.remove()


def test_no_rows_and_very_many(app: Flask) -> None:
    assert insert() == []
    made = insert(*(row(id) for id in range(5000)), returning=("id", "classification_id"))
    assert [one.classification_id for one in made] == list(range(5000))
    assert len({one.id for one in made}) == 5000


def test_a_conflict_writes_only_what_it_says(app: Flask) -> None:
    insert(row(1, data={"first": 1}), row(2))
    unique = "(classification_id, extractor_key)"
    nothing = insert(row(1, data=5), row(3), conflict=f"{unique} DO NOTHING", returning=("id",))
    assert len(nothing) == 1
    newer = f"{unique} DO UPDATE SET data = excluded.data"
    changed = insert(row(1, data=[7]), conflict=newer, returning=("classification_id", "data"))
    assert [tuple(one) for one in changed] == [(1, [7])]
    assert [extract.data for extract in written()] == [[7], None, None]


def test_an_update_touches_only_its_rows(app: Flask) -> None:
    insert(row(1, data=1), row(2, data=2))
    first, second = written()
    with db.session.begin():
        values = [{"id": first.id, "data": 9}, {"id": second.id + 100, "data": 9}]
        bulk.update(db.session(), EXTRACTS, values, key="id", columns=("data",))
    assert [extract.data for extract in written()] == [9, 2]
