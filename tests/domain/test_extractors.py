"""Extractors: what each type pulls out of a classification."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caesar_web.domain.extractors import (
    EXTRACTORS,
    ExtractionFailed,
    Extractor,
    read_extractor_options,
)
from caesar_web.domain.values import Problem, check_storable
from tests.domain.making import golden_cases, make_classification, refused_places
from tests.domain.strategies import json_values, texts


def make_extractor(
    type_name: str, config: dict[str, Any], *, minimum: str | None = None
) -> Extractor:
    problems: list[Problem] = []
    options = read_extractor_options(type_name, config, place="config", problems=problems)
    assert problems == []
    return Extractor(1, "e", EXTRACTORS[type_name], options, minimum)


def extracted(case: dict[str, Any]) -> Any:
    extractor = make_extractor(case["type"], case.get("config", {}), minimum=case.get("minimum"))
    classification = make_classification(
        case["annotations"],
        user_id=case.get("user_id"),
        metadata=case.get("metadata"),
        subject_metadata=case.get("subject_metadata"),
        workflow_version=case.get("version", "1.1"),
    )
    return extractor.extract(classification)


@pytest.mark.parametrize("case", golden_cases("extractors", "data"))
def test_extracts(case: dict[str, Any]) -> None:
    assert extracted(case) == case["data"]


@pytest.mark.parametrize("case", golden_cases("extractors", "no_data"))
def test_no_data(case: dict[str, Any]) -> None:
    assert extracted(case) is None


@pytest.mark.parametrize("case", golden_cases("extractors", "error"))
def test_extraction_fails(case: dict[str, Any]) -> None:
    with pytest.raises(ExtractionFailed):
        extracted(case)


@pytest.mark.parametrize("case", golden_cases("extractors", "refused"))
def test_refused_options(case: dict[str, Any]) -> None:
    problems: list[Problem] = []
    read_extractor_options(case["type"], case["config"], place="config", problems=problems)
    assert refused_places(problems) == case["refused"]


PATHS = ["$.annotations.T0[*].value", "$..value", "$.annotations.T0[?@.value > 1].value"]
EVERY_TYPE = [
    make_extractor("blank", {}),
    make_extractor("question", {"if_missing": "reject"}),
    make_extractor("survey", {"nothing_here_choice": "NTHNGHR"}),
    make_extractor("who", {}),
    *(make_extractor("pluck_field", {"field_map": {"x": path}}) for path in PATHS),
]


@given(
    values=st.lists(json_values(), max_size=3),
    others=st.dictionaries(texts, json_values(max_leaves=3), max_size=2),
)
def test_whatever_was_answered_is_extracted_or_fails_as_an_extraction(
    values: list[Any], others: dict[str, Any]
) -> None:
    annotations = {"T0": [others | {"task": "T0", "value": value} for value in values]}
    classification = make_classification([])._replace(annotations=annotations if values else {})
    for extractor in EVERY_TYPE:
        with contextlib.suppress(ExtractionFailed):
            check_storable(extractor.extract(classification))


def test_a_deep_answer_fails_as_an_extraction() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = {"value": deep}
    extractor = make_extractor("pluck_field", {"field_map": {"x": "$..value"}})
    with pytest.raises(ExtractionFailed):
        extractor.extract(make_classification([{"task": "T0", "value": deep}]))
