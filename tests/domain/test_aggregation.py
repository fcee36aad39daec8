"""What the manifest says of the aggregation library, and how parameters are read by it."""

from typing import Any

import pytest

from caesar_web.domain.aggregation import (
    EXTRACTOR_NAMES,
    KINDS,
    REDUCER_NAMES,
    RUNNING_NAMES,
    Kind,
    described,
    query,
    read_parameters,
)
from caesar_web.domain.values import Problem

NAMES: dict[Kind, tuple[str, ...]] = {
    "extractors": EXTRACTOR_NAMES,
    "reducers": REDUCER_NAMES,
    "running_reducers": RUNNING_NAMES,
}
EVERY = [(kind, name) for kind in KINDS for name in NAMES[kind]]


def read(kind: Kind, name: str, given: Any) -> tuple[dict[str, Any], list[str]]:
    problems: list[Problem] = []
    parameters = read_parameters(kind, name, given, place="parameters", problems=problems)
    return parameters, list(map(str, problems))


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_everything_says_what_a_form_needs(kind: Kind, name: str) -> None:
    told = described(kind, name)
    assert told.about
    for option in told.parameters:
        assert option.label[:1].isupper(), option.name
        assert option.help.endswith("."), option.name
        assert option.example, option.name
        assert bool(option.choices) is (option.kind == "choice"), option.name


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_every_default_can_be_given_and_read(kind: Kind, name: str) -> None:
    options = described(kind, name).parameters
    given = {
        option.name: option.default if option.default is not None else option.example
        for option in options
    }
    parameters, problems = read(kind, name, given)
    assert problems == []
    assert parameters.keys() == given.keys()


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_what_was_read_is_read_again_from_its_query(kind: Kind, name: str) -> None:
    given = {option.name: option.example for option in described(kind, name).parameters}
    given = {name: "true" if value == "on" else value for name, value in given.items()}
    parameters, problems = read(kind, name, given)
    assert problems == []
    assert read(kind, name, query(parameters)) == (parameters, [])


def test_texts_of_forms_are_read_as_what_they_are() -> None:
    given = {"eps": "5.5", "min_samples": "3", "metric": "cityblock", "p": "", "no_version": "0"}
    parameters, problems = read("reducers", "rectangle_reducer", given)
    assert problems == []
    assert parameters == {"eps": 5.5, "min_samples": 3, "metric": "cityblock", "no_version": False}
    assert isinstance(parameters["min_samples"], int)


def test_a_whole_number_does_for_a_decimal_one() -> None:
    assert read("reducers", "point_reducer", {"eps": 5}) == ({"eps": 5.0}, [])


def test_lists_and_objects_may_be_texts_in_json_or_as_in_urls() -> None:
    given = {"shape": "circle", "tools": "[0, 1]", "details": "{'T0_tool0': ['a', None]}"}
    parameters, problems = read("extractors", "shape_extractor", given)
    assert problems == []
    assert parameters["tools"] == [0, 1]
    assert parameters["details"] == {"T0_tool0": ["a", None]}


def test_a_word_may_stand_for_a_number_where_the_library_has_one() -> None:
    assert read("reducers", "optics_line_text_reducer", {"min_samples": "auto"})[1] == []
    for not_a_number in ("auto", True):
        assert read("reducers", "poly_line_text_reducer", {"min_samples": not_a_number})[1] == [
            "at parameters.min_samples: must be a whole number"
        ]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"shape": "blob"}, "at parameters.shape: must be one of: circle, "),
        ({}, "at parameters.shape: must be given"),
        (
            {"shape": "fan", "task_key": "T0"},
            "at parameters.task_key: no such option; known: task,",
        ),
        ({"shape": "fan", "tools": "0, [1"}, "at parameters.tools: must be a list, such as [0, 1]"),
        ({"shape": "fan", "tools": {"0": 1}}, "at parameters.tools: must be a list"),
        ({"shape": "fan", "tools": [float("nan")]}, "at parameters.tools: must be a list"),
        ({"shape": "fan", "tools": "{1}"}, "at parameters.tools: must be a list"),
        ({"shape": "fan", "details": "[1]"}, "at parameters.details: must be an object, such as "),
        ({"shape": "fan", "task": 0}, "at parameters.task: must be text"),
        ({"shape": "fan", "recursive": "so"}, "at parameters.recursive: must be true or false"),
        ("shape=fan", "at parameters: must be an object"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(given: Any, problem: str) -> None:
    _, problems = read("extractors", "shape_extractor", given)
    assert len(problems) == 1
    assert problems[0].startswith(problem)


@pytest.mark.parametrize("eps", ["wide", True, float("inf"), [5.0], "1e999"])
def test_a_number_must_be_one(eps: Any) -> None:
    assert read("reducers", "point_reducer", {"eps": eps})[1] == [
        "at parameters.eps: must be a number"
    ]


def test_a_list_nested_too_deep_is_refused() -> None:
    for given in ("[" * 100_000, "(" * 1000, "-" * 100_000 + "1"):
        _, problems = read("extractors", "point_extractor", {"tools": given})
        assert problems == ["at parameters.tools: must be a list, such as [0, 1]"]


def test_an_unknown_name_has_no_parameters() -> None:
    parameters, (problem,) = read("running_reducers", "text_reducer", {"eps": 1})
    assert parameters == {}
    assert problem.startswith("at parameters: there is no 'text_reducer'")
    assert problem.endswith(", ".join(RUNNING_NAMES))


def test_false_is_an_empty_text_in_a_query_as_all_others_are_true_there() -> None:
    query_ = query({"pairs": False, "recursive": True, "tools": [0], "task": "T0", "eps": 5.0})
    assert query_ == {
        "pairs": "",
        "recursive": "True",
        "tools": "[0]",
        "task": "T0",
        "eps": "5.0",
    }


def test_what_is_wanted_beside_data_is_told() -> None:
    assert described("reducers", "tess_reducer_column").wants == {"user_id", "relevant_reduction"}
    assert described("reducers", "polygon_reducer").wants == {"created_at"}
    assert described("extractors", "text_extractor").wants == {"gold_standard"}
