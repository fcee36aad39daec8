"""Causes of failures: alike but for ids and numbers, and apart where something else differs."""

import pytest

from caesar_web.domain.causes import LONGEST, NO_MESSAGE, cause_of, key_of


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("Could not find subject_set with id='7'", "Could not find subject_set with id='…'"),
        ("subjects 1, 22 and -3.5 are gone", "subjects …, … and … are gone"),
        ("at 2026-01-05 09:00:00, lost", "at …-…-… …, lost"),
        ("job 0b1c2d3e-0000-4000-8000-123456789abc", "job …"),
        ("task T0 has no answer", "task T0 has no answer"),
        ("Panoptes answered GET with status 503", "Panoptes answered GET with status 503"),
        ("HTTP 404", "HTTP 404"),
        ("  much \n\t space ", "much space"),
        ("", NO_MESSAGE),
        (None, NO_MESSAGE),
    ],
)
def test_ids_and_numbers_are_left_out(message: str | None, cause: str) -> None:
    assert cause_of(message) == cause


def test_a_cause_is_not_too_long_to_show() -> None:
    assert len(cause_of("w" * 100_000)) == LONGEST
    assert len(cause_of("7 " * 100_000)) <= LONGEST


def test_keys_tell_causes_apart() -> None:
    assert key_of("a", "b") == key_of("a", "b")
    assert len({key_of("a", "b"), key_of("ab", ""), key_of("a", "c"), key_of("\ud800")}) == 4
    assert key_of("x").isalnum()
