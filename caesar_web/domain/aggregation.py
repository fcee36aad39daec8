"""What the aggregation library offers: its extractors and reducers, as a manifest has them."""

import ast
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from caesar_web.domain import options
from caesar_web.domain.options import Option, Reader, Unreadable
from caesar_web.domain.values import JSONValue, Problem, kind_of, whole_text_number

MANIFEST = Path(__file__).with_name("aggregation_manifest.json")

Kind = Literal["extractors", "reducers", "running_reducers"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_CONTROLS: dict[str, options.Kind] = {
    "int": "whole number",
    "float": "number",
    "bool": "switch",
    "choice": "choice",
    "task": "task",
    "json": "json",
}


@dataclass(frozen=True)
class Described:
    """An extractor or reducer of the library, and all that it can be told.

    `about` is its documentation there. `wants` names what it reads beside data: `user_id`,
    `created_at` and `relevant_reduction` of each extract, `gold_standard` of a classification.
    """

    name: str
    about: str
    parameters: tuple[Option, ...]
    wants: frozenset[str]


def names(kind: Kind) -> tuple[str, ...]:
    """All that can be called of a kind."""
    return tuple(_DESCRIBED[kind])


def described(kind: Kind, name: str) -> Described:
    """What there is to say of one of the names of its kind, such as for a form."""
    return _DESCRIBED[kind][name]


def read_parameters(
    kind: Kind, name: str, given: Any, *, place: str, problems: list[Problem]
) -> dict[str, Any]:
    """The parameters that are given; what is wrong is added to `problems`.

    What is not given stays absent, so that the library's own defaults hold.
    """
    if name not in _DESCRIBED[kind]:
        of = " in running mode" if kind == "running_reducers" else ""
        known = ", ".join(names(kind))
        problems.append(Problem(place, f"there is no {name!r}{of}; known: {known}"))
        return {}
    parameters = described(kind, name).parameters
    read = options.read_options(parameters, given, place=place, problems=problems)
    return {name: value for name, value in read.items() if given.get(name) not in (None, "")}


def query(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Parameters as the library's online application takes them: texts, with Python's literals.

    It takes any text for true, "False" too, but the empty one.
    """
    return {
        name: value if isinstance(value, str) else "" if value is False else repr(value)
        for name, value in parameters.items()
    }


def _number(value: Any) -> float:
    """Numbers may come as texts: forms send nothing else."""
    number = whole_text_number(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise Unreadable("must be a number")
    return float(number)


def _structure(example: str) -> Reader:
    """Lists or objects, as the example is; as texts in JSON, or in Python's literals as in URLs."""
    wanted = json.loads(example)

    def read(value: Any) -> JSONValue:
        given = _parsed(value) if isinstance(value, str) else value
        try:
            plain: JSONValue = json.loads(json.dumps(given, allow_nan=False))
        except (TypeError, ValueError, RecursionError):
            plain = None
        if type(plain) is not type(wanted):
            raise Unreadable(f"must be {kind_of(wanted)}, such as {example}")
        return plain

    return read


def _parsed(text: str) -> Any:
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    return None


def _reader(told: Mapping[str, Any], example: str) -> Reader:
    match told["kind"]:
        case "int":
            return _whole_number(told["default"])
        case "float":
            return _number
        case "bool":
            return options.switch
        case "choice":
            return options.choice(*told["choices"])
        case "json":
            return _structure(example)
        case _:
            return options.text


def _whole_number(default: Any) -> Reader:
    """The default may be a word, such as "auto", and can then be given too."""
    words = [default] if isinstance(default, str) else []
    return lambda value: value if value in words else options.whole_number(value)


def _option(told: Mapping[str, Any], words: Mapping[str, str]) -> Option:
    return Option(
        told["name"],
        _reader(told, words["example"]),
        default=told.get("default"),
        required=told.get("required", False),
        kind=_CONTROLS.get(told["kind"], "text"),
        label=told["name"].replace("_", " ").capitalize(),
        help=words["help"],
        example=words["example"],
        choices={value: value for value in told.get("choices", ())},
    )


def _read_manifest() -> dict[Kind, dict[str, Described]]:
    manifest = json.loads(MANIFEST.read_text("utf-8"))
    return {
        kind: {
            name: Described(
                name,
                told["about"],
                tuple(_option(one, manifest["words"][one["name"]]) for one in told["parameters"]),
                frozenset(told["wants"]),
            )
            for name, told in manifest[kind].items()
        }
        for kind in KINDS
    }


_DESCRIBED = _read_manifest()
EXTRACTOR_NAMES = names("extractors")
REDUCER_NAMES = names("reducers")
RUNNING_NAMES = names("running_reducers")
