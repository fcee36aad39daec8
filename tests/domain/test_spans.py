"""Spans of time as people read them."""

import pytest

from caesar_web.domain.spans import in_words, of_answer


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (360, "6 min"),
        (3_600, "1 h"),
        (5_400, "1 h 30 min"),
        (4 * 3_600 + 60, "4 h"),
        (86_400 + 7_200, "1 d 2 h"),
        (86_400 * 40, "40 d"),
    ],
)
def test_in_the_largest_unit(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_how_long_an_answer_took() -> None:
    assert of_answer(0.0004) == "less than 1 ms"
    assert of_answer(0.0034) == "3 ms"
    assert of_answer(2.25) == "2.2 s"
