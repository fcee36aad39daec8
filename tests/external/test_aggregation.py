"""The aggregation library in this process: what it gives, and that it gives what it does online."""

import copy
import math
import platform
import sys
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from caesar_web.domain.aggregation import MANIFEST, RUNNING_NAMES, read_parameters
from caesar_web.domain.classification import document
from caesar_web.domain.values import Problem
from caesar_web.external.aggregation import (
    AggregationFailed,
    AggregationMissing,
    extract,
    load,
    reduce,
)
from tests.aggregation_manifest import manifest_text
from tests.domain.making import golden, golden_cases, make_classification

needs_library = pytest.mark.skipif(
    sys.version_info >= (3, 13) or platform.machine() != "x86_64",
    reason="what the aggregation library needs must be compiled here, so it is not installed",
)
QUESTION = [{"task": "T0", "value": 1}]


def _asked(case: dict[str, Any]) -> tuple[Any, str, dict[str, str]]:
    """Kind, name and the texts of the query of a case's path."""
    address = urlsplit(case["path"])
    _, kind, name = address.path.split("/")
    return kind, name, dict(parse_qsl(address.query, strict_parsing=bool(address.query)))


def _answer(case: dict[str, Any]) -> tuple[Any, Any]:
    """Data and store that this process makes of a case."""
    kind, name, texts = _asked(case)
    problems: list[Problem] = []
    parameters = read_parameters(kind, name, texts, place="parameters", problems=problems)
    assert problems == []
    payload = case["payload"]
    if kind == "extractors":
        return extract(name, parameters, payload), None
    if kind == "reducers":
        return reduce(name, parameters, payload)
    return reduce(name, parameters, payload["extracts"], store=payload["store"], is_running=True)


def _alike(left: Any, right: Any) -> bool:
    """Equality; of decimal numbers to 1e-9, as the order of a sum is the processor's choice."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_alike, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_alike(left[key], right[key]) for key in left)
    return bool(left == right)


@needs_library
@pytest.mark.parametrize("case", golden_cases("aggregation"))
def test_it_gives_what_the_online_application_gave(case: dict[str, Any]) -> None:
    given = copy.deepcopy(case["payload"])
    data, store = _answer(case)
    answer = case["answer"]
    expected = dict(answer) if isinstance(answer, dict) else {"results": answer}
    assert _alike(store, expected.pop("_store", None)), store
    assert _alike(data, expected), data
    assert case["payload"] == given, "what it is given must stay as it is"


def test_ten_extractors_ten_reducers_and_all_that_run_were_asked_online() -> None:
    asked = {_asked(case)[:2] for case in golden("aggregation")}
    names = {kind: {name for of, name in asked if of == kind} for kind, _ in asked}
    assert len(names["extractors"]) >= 10
    assert len(names["reducers"]) >= 10
    assert names["running_reducers"] == set(RUNNING_NAMES)


@needs_library
def test_the_manifest_is_that_of_the_installed_library() -> None:
    anew = "python -m tests.aggregation_manifest writes it anew"
    assert MANIFEST.read_text("utf-8") == manifest_text(), anew


@needs_library
def test_the_document_of_a_classification_is_what_extractors_want() -> None:
    found = extract("question_extractor", {"task": "T0"}, document(make_classification(QUESTION)))
    assert found == {"1": 1, "aggregation_version": load().__version__}


@needs_library
def test_each_choice_of_a_survey_is_an_extract_of_its_own() -> None:
    choices = [{"choice": "LION", "answers": {"HOWMANY": "2"}}, {"choice": "ZEBRA"}]
    survey = document(make_classification([{"task": "T0", "value": choices}]))
    nothing = document(make_classification([{"task": "T0", "value": []}]))
    told = [{"data": extract("survey_extractor", {}, one)} for one in (survey, nothing, survey)]
    data, _ = reduce("survey_reducer", {"no_version": True}, told)
    lions = {
        "choice": "lion",
        "total_vote_count": 4,
        "choice_count": 2,
        "answers_howmany": {"2": 2},
    }
    zebras = {"choice": "zebra", "total_vote_count": 4, "choice_count": 2}
    assert data == {"results": [lions, zebras]}


@needs_library
def test_an_extract_without_data_is_an_empty_one() -> None:
    told: list[dict[str, Any]] = [{"data": None, "user_id": 1}, {"data": {"yes": 1}, "user_id": 2}]
    assert reduce("question_reducer", {"no_version": True}, told) == ({"yes": 1}, None)


@needs_library
def test_what_is_not_a_number_is_null() -> None:
    data, _ = reduce("slider_reducer", {"no_version": True}, [])
    assert data == {"slider_mean": None, "slider_median": None, "slider_var": None}


def _columns(*positions: float) -> list[dict[str, Any]]:
    return [
        {
            "data": {"frame0": {"T0_tool0_x": [x], "T0_tool0_width": [2.0]}},
            "user_id": number,
            "relevant_reduction": None,
        }
        for number, x in enumerate(positions)
    ]


@needs_library
def test_a_running_reducer_counts_several_extracts_as_if_they_came_one_by_one() -> None:
    together = reduce("tess_reducer_column", {}, _columns(1, 2, 3), is_running=True)
    store = None
    for one in _columns(1, 2, 3):
        alone = reduce("tess_reducer_column", {}, [one], store=store, is_running=True)
        store = alone[1]
    assert together == alone
    assert together[0] is not None
    assert together[0]["counts"] == [3]


@needs_library
def test_a_running_reducer_without_extracts_leaves_its_store() -> None:
    store = {"seed": 0.75, "count": 2}
    assert reduce("tess_user_reducer", {}, [], store=store, is_running=True) == (None, store)


@needs_library
def test_a_failure_says_what_the_library_says() -> None:
    with pytest.raises(AggregationFailed, match="`shape` must be provided") as failure:
        extract("shape_extractor", {}, document(make_classification(QUESTION)))
    assert isinstance(failure.value.__cause__, KeyError)


@needs_library
def test_what_cannot_go_on_from_a_store_is_refused() -> None:
    with pytest.raises(AggregationFailed, match="no 'text_reducer' among its running_reducers"):
        reduce("text_reducer", {}, [{"data": {}}], is_running=True)


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "panoptes_aggregation", None)
    with pytest.raises(AggregationMissing, match=r'pip install "caesar-web\[aggregation\]"'):
        extract("question_extractor", {}, document(make_classification(QUESTION)))
