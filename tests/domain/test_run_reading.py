"""Runs in plain English."""

from typing import Any

import pytest

from caesar_web.domain.run_reading import problem_in_words, scope, title

SINCE = "2026-01-31T12:05:00+00:00"


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("backfill", {}, "all subjects of the workflow"),
        ("backfill", {"subjects": "never"}, "the subjects of which nothing was ever extracted"),
        ("backfill", {"subjects": "listed", "first": [12], "number": 1}, "subject 12"),
        ("backfill", {"subjects": "listed", "first": [1, 2, 3], "number": 3}, "subjects 1, 2, 3"),
        (
            "reextract",
            {"subjects": "listed", "first": [1, 2, 3], "number": 1203},
            "subjects 1, 2, 3 and 1,200 more",
        ),
        (
            "backfill",
            {"since": "2026-01-31T12:05:00+00:00"},
            "classifications made since 31 Jan 2026, 12:05 UTC",
        ),
        ("backfill_user", {"user_id": 5}, "volunteer 5"),
        (
            "rereduce",
            {"reducer_key": "counts", "check": "none"},
            "all subjects and volunteers; with the reducer counts alone; no rule is checked",
        ),
        ("kept", {"position": 3, "kept": 2}, "what came in while the workflow was paused"),
        (
            "recheck",
            {"rule_kind": "user_rule", "rule_id": 1, "since": SINCE, "resumes": True},
            "those whose reductions have changed since 31 Jan 2026, 12:05 UTC;"
            " it makes up for a pause",
        ),
        (
            "reextract",
            {"extractor_key": "survey", "since": SINCE, "resumes": True},
            "classifications that came in since 31 Jan 2026, 12:05 UTC;"
            " with the extractor survey alone, and all that follows from it;"
            " it makes up for a pause",
        ),
        (
            "rereduce",
            {"reducer_key": "counts", "since": SINCE, "check": "changed", "resumes": True},
            "those of which something was extracted since 31 Jan 2026, 12:05 UTC;"
            " with the reducer counts alone;"
            " rules are checked once, where they see anything different then;"
            " it makes up for a pause",
        ),
        ("unheard_of", {}, ""),
        ("unheard_of", {"since": SINCE}, ""),
    ],
)
def test_what_a_run_is_about(kind: str, options: dict[str, Any], words: str) -> None:
    assert scope(kind, options) == words


def test_what_kinds_are_called() -> None:
    assert title("rereduce") == "Reduce again"
    assert title("unheard_of") == "Unheard of"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("not for you", "Not for you."),
        ("It waits.", "It waits."),
        (
            "ValueError",
            "Something went wrong inside the service (ValueError). Its log has more.",
        ),
    ],
)
def test_why_it_does_not_go_on(error: str, words: str) -> None:
    assert problem_in_words(error) == words
