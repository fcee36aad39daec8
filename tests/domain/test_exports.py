"""What can be asked for, and how its values are written so that a spreadsheet does not run them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from caesar_web.domain.export_cells import canonical, cell, harmless
from caesar_web.domain.exports import Export, in_words, kept_export, read_export

DAY = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_what_looks_like_a_formula_is_made_text(sign: str) -> None:
    assert cell(f"{sign}cmd|' /C calc'!A0") == f"'{sign}cmd|' /C calc'!A0"
    assert cell(f"a{sign}b") == f"a{sign}b"


@pytest.mark.parametrize("number", ["-5", "+5", "-0.5", "-1e5", "+1.25E-7"])
def test_numbers_stay_numbers(number: str) -> None:
    assert harmless(number) == number
    assert cell(-5) == "-5"


@pytest.mark.parametrize(
    "text", ["-", "+", "-5+2", "-5 ", "- 5", "-٥", "--5", "-0x1F", "-1e", "-5\n"]
)
def test_what_is_almost_a_number_is_text(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("", ""),
        (True, "true"),
        (0, "0"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (10**30, str(10**30)),
        ([], "[]"),
        ({}, "{}"),
        ([-1, "=x"], '[-1,"=x"]'),
        ({"b": [None], "a": {"d": 1, "c": 10**30}}, f'{{"a":{{"c":{10**30},"d":1}},"b":[null]}}'),
        ("ключ", "ключ"),
    ],
)
def test_values_in_cells(value: Any, text: str) -> None:
    assert cell(value) == text


def test_json_is_the_same_in_whatever_order_keys_are_kept() -> None:
    assert canonical({"bb": 1, "a": {"z": 1, "y": "🦁"}}) == '{"a":{"y":"🦁","z":1},"bb":1}'
    large = {"b": 10**30, "a": "🦁"}
    assert canonical(large) == f'{{"a":"🦁","b":{10**30}}}'


def test_what_is_asked_for_is_kept_and_read_again() -> None:
    given = {
        "requested_data": "user_reductions",
        "format": "jsonl",
        "gzip": True,
        "subgroup": " night ",
        "user_id": "5",
        "key": "counts",
        "from": "2026-01-31",
        "to": "2026-02-01T12:00:00+02:00",
    }
    export, problems = read_export(given)
    assert problems == []
    assert export == Export(
        "user_reductions", "jsonl", True, "night", 5, "counts", DAY, DAY + timedelta(hours=34)
    )
    kept = kept_export(export.kind, export.subgroup, export.user_id, export.options())
    assert kept == export
    assert (kept.extension, kept.content_type) == ("jsonl.gz", "application/gzip")
    assert in_words(kept) == [
        "reducer counts",
        "subgroup night",
        "volunteer 5",
        "updated from 2026-01-31 00:00 UTC",
        "updated before 2026-02-01 10:00 UTC",
    ]


def test_what_is_empty_was_not_given() -> None:
    nothing = dict.fromkeys(("subgroup", "user_id", "key", "from", "to", "format", "gzip"), "")
    for given in (nothing, dict.fromkeys(nothing), {}):
        assert read_export({"requested_data": "extracts", **given}) == (Export("extracts"), [])
    assert in_words(Export("extracts")) == []


def test_a_day_is_an_end_as_a_whole_and_a_moment_is_not() -> None:
    for text, until in (("2026-01-31", DAY + timedelta(days=1)), ("2026-01-31 00:00", DAY)):
        export, _ = read_export({"requested_data": "extracts", "to": text})
        assert export is not None
        assert export.until == until


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({}, "requested_data"),
        ({"requested_data": {"a": 1}}, "requested_data"),
        ({"requested_data": ["extracts"]}, "requested_data"),
        ({"requested_data": "extracts", "key": {"a": 1}}, "key"),
        ({"requested_data": "subject_reductions", "subgroup": ["a"]}, "subgroup"),
        ({"requested_data": "extracts", "gzip": "perhaps"}, "gzip"),
        ({"requested_data": "extracts", "gzip": []}, "gzip"),
        ({"requested_data": "extracts", "user_id": -1}, "user_id"),
        ({"requested_data": "extracts", "user_id": 1.5}, "user_id"),
        ({"requested_data": "subject_actions", "user_id": 1}, "user_id"),
        ({"requested_data": "subject_actions", "key": "a"}, "key"),
        ({"requested_data": "user_actions", "subgroup": "a"}, "subgroup"),
        ({"requested_data": "extracts", "from": "0001-01-01T00:00:00+10:00"}, "from"),
        ({"requested_data": "extracts", "to": "9999-12-31"}, "to"),
    ],
)
def test_what_cannot_be_asked_for(given: dict[str, Any], place: str) -> None:
    export, problems = read_export(given)
    assert export is None
    assert [problem.place for problem in problems] == [place]
