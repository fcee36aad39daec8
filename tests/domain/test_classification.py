"""The document of a classification, and the groups that extracts form."""

from datetime import UTC, datetime, timedelta

import pytest

from caesar_web.domain.classification import Extract, document, grouped, timestamp
from tests.domain.making import START, make_classification, make_extracts


def test_the_document_has_what_external_extractors_read() -> None:
    classification = make_classification(
        [{"task": "T0", "value": 1}],
        user_id=123,
        metadata={"session": "abc"},
        subject_metadata={"camera": "D73"},
    )
    assert document(classification) == {
        "id": 10,
        "project_id": 2,
        "workflow_id": 3,
        "workflow_version": "1.1",
        "subject_id": 1,
        "user_id": 123,
        "annotations": {"T0": [{"task": "T0", "value": 1}]},
        "metadata": {"session": "abc"},
        "subject": {
            "id": 1,
            "metadata": {"camera": "D73"},
            "created_at": "2026-01-01T00:00:00.000Z",
            "updated_at": "2026-01-01T00:00:00.000Z",
        },
        "created_at": "2026-01-01T00:00:00.000Z",
        "updated_at": "2026-01-01T00:00:00.000Z",
        "gold_standard": None,
    }


def test_the_document_says_null_where_the_source_has_nothing() -> None:
    anonymous = make_classification([], workflow_version=None)
    subject = anonymous.subject._replace(created_at=None, updated_at=None)
    written = document(anonymous._replace(subject=subject))
    assert written["user_id"] is None
    assert written["workflow_version"] is None
    assert written["subject"]["created_at"] is written["subject"]["updated_at"] is None


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (datetime(2016, 8, 16, 12, 28, 51, 497_000, UTC), "2016-08-16T12:28:51.497Z"),
        (datetime(2016, 8, 16, tzinfo=UTC), "2016-08-16T00:00:00.000Z"),
        (None, None),
    ],
)
def test_times_are_written_as_the_platform_writes_them(
    at: datetime | None, written: str | None
) -> None:
    assert timestamp(at) == written


def test_extracts_of_one_classification_belong_together_in_the_order_of_time() -> None:
    extracts = make_extracts(
        [
            {"id": 9, "at": 1, "extracts": {"b": {}, "a": {}}},
            {"id": 3, "at": 5, "extracts": {"a": {}}},
            {"id": 12, "at": 5, "extracts": {"a": {}}},
        ]
    )
    groups = grouped(reversed(extracts))
    assert [group.classification_id for group in groups] == [9, 3, 12]
    assert [extract.extractor_key for extract in groups[0].extracts] == ["b", "a"]


def test_a_prediction_without_a_classification_is_a_group_of_its_own() -> None:
    first, second = (
        Extract(id_, None, START + timedelta(seconds=id_), "machine", 1, None, {"x": id_})
        for id_ in (1, 2)
    )
    groups = grouped([second, first])
    assert [group.extracts for group in groups] == [(first,), (second,)]
