"""The declared tables of options: what forms ask for can be read, and every option says all."""

from collections.abc import Mapping

import pytest

from caesar_web.domain.extractor_options import MINIMUM_VERSION
from caesar_web.domain.extractors import EXTRACTORS, ExtractorType
from caesar_web.domain.filters import FILTER_OPTIONS
from caesar_web.domain.grouping import GROUPING_OPTIONS
from caesar_web.domain.options import Option, Unreadable, whole_number
from caesar_web.domain.reducer_options import COMMON_OPTIONS
from caesar_web.domain.reducers import REDUCERS, ReducerType
from caesar_web.domain.summary_stats import OPERATION_WORDS, OPERATIONS

TABLES: dict[str, tuple[Option, ...]] = {
    "filters": FILTER_OPTIONS,
    "grouping": GROUPING_OPTIONS,
    "every reducer": COMMON_OPTIONS,
    "every extractor": (MINIMUM_VERSION,),
    **{f"extractor {name}": kind.options for name, kind in EXTRACTORS.items()},
    **{f"reducer {name}": kind.options for name, kind in REDUCERS.items()},
}
OPTIONS = [(table, option) for table, options in TABLES.items() for option in options]
TYPES: Mapping[str, ExtractorType | ReducerType] = {**EXTRACTORS, **REDUCERS}


@pytest.mark.parametrize(("table", "option"), OPTIONS)
def test_every_option_says_what_a_form_needs(table: str, option: Option) -> None:
    where = f"{table}: {option.name}"
    assert option.label[:1].isupper(), where
    assert not option.label.endswith("."), where
    assert option.help.endswith("."), where
    assert option.example, where
    assert bool(option.choices) is (option.kind in ("choice", "choices")), where


@pytest.mark.parametrize(("table", "option"), OPTIONS)
def test_every_choice_can_be_read_and_none_is_missing(table: str, option: Option) -> None:
    for value, words in option.choices.items():
        assert option.read(value) in (value, (value,)), f"{table}: {option.name}"
        assert words
    if option.kind == "choice":
        assert option.required or option.default in option.choices


def test_every_type_says_what_it_is_for() -> None:
    for name, kind in TYPES.items():
        assert kind.title, name
        assert kind.about.endswith("."), name
    titles = [kind.title for kind in TYPES.values()]
    assert len(set(titles)) == len(titles)


def test_every_statistic_has_words() -> None:
    assert OPERATION_WORDS.keys() == OPERATIONS.keys()


@pytest.mark.parametrize("number", [0, 5, -5, 2**53 + 1, 2**63 - 1, 10**299])
def test_a_number_as_text_is_the_same_number(number: int) -> None:
    assert whole_number(f" {number} ") == whole_number(number) == number


@pytest.mark.parametrize("value", ["9" * 400, "1.5", "x", "", "1 2", "٥", True, None, [5]])
def test_what_is_no_whole_number(value: object) -> None:
    with pytest.raises(Unreadable, match="must be a whole number"):
        whole_number(value)
