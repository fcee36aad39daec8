"""The aggregation library in this process, which gives what its online application would."""

import copy
import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from caesar_web.domain.aggregation import Kind, query
from caesar_web.domain.values import DomainError

RESULTS = "results"  # what a list of the library's is called here, as data are objects
STORE = "_store"


class AggregationMissing(DomainError):
    """The library is not installed; the text says how to install it."""


class AggregationFailed(DomainError):
    """The library refuses what it was given, or fails over it; the text has its own message.

    The cause is what was raised, which is RQ's where the job took too long.
    """


@dataclass(frozen=True)
class _Request:
    """What the library takes for a request of its online application, and so does the same."""

    args: MultiDict[str, str]
    body: Any

    def get_json(self) -> Any:
        return self.body


def load() -> Any:
    """The library. It takes seconds and 200 MB the first time. Raises AggregationMissing."""
    try:
        with warnings.catch_warnings(action="ignore"):
            import panoptes_aggregation
    except ImportError as problem:
        raise AggregationMissing(
            'the aggregation library is not installed: pip install "caesar-web[aggregation]"'
            f" with Python 3.11 or 3.12 on x86_64 ({problem})"
        ) from problem
    return panoptes_aggregation


def extract(
    name: str, parameters: Mapping[str, Any], document: Mapping[str, Any]
) -> dict[str, Any]:
    """What an extractor of the library makes of a classification's document.

    Where it gives a list, as for a survey's choices or with `recursive`, the data are
    `{"results": [...]}`. Raises AggregationFailed and AggregationMissing.
    """
    return _as_object(_call("extractors", name, parameters, document))


def reduce(
    name: str,
    parameters: Mapping[str, Any],
    extracts: Iterable[Mapping[str, Any]],
    *,
    store: Mapping[str, Any] | None = None,
    is_running: bool = False,
) -> tuple[dict[str, Any] | None, Any]:
    """Data and store that a reducer of the library makes of extracts.

    The extracts are as external reducers get them. Each member of an extract's `results` is an
    extract of its own, as it is in files of the library; an extract without data is an empty one.
    Where the reducer gives a list, the data are `{"results": [...]}`. In running mode it gets one
    extract after the other, as its running reducers look at one only, and so none is lost where
    several come at once. Raises AggregationFailed and AggregationMissing.
    """
    told = list(_told(extracts))
    if not is_running:
        return _parted(_call("reducers", name, parameters, told))
    data, so_far = None, store
    for one in told:
        body = {"extracts": [one], "store": so_far or {}}
        data, so_far = _parted(_call("running_reducers", name, parameters, body))
    return data, so_far


def _told(extracts: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for extract in extracts:
        data = extract["data"]
        members = data.get(RESULTS) if isinstance(data, dict) and len(data) == 1 else data
        if isinstance(members, list):
            yield from ({**extract, "data": member} for member in members)
        else:
            yield {**extract, "data": {} if data is None else data}


def _parted(answer: Any) -> tuple[dict[str, Any], Any]:
    data = _as_object(answer)
    return {key: value for key, value in data.items() if key != STORE}, data.get(STORE)


def _as_object(answer: Any) -> dict[str, Any]:
    return answer if isinstance(answer, dict) else {RESULTS: answer}


def _call(kind: Kind, name: str, parameters: Mapping[str, Any], body: Any) -> Any:
    functions = getattr(getattr(load(), kind), kind)
    if name not in functions:
        raise AggregationFailed(f"the aggregation library has no {name!r} among its {kind}")
    request = _Request(MultiDict(query(parameters)), copy.deepcopy(body))
    try:
        with warnings.catch_warnings(action="ignore"):
            return _plain(functions[name](request))
    except Exception as problem:
        raise AggregationFailed(f"{name}: {type(problem).__name__}: {problem}") from problem


def _plain(answer: Any) -> Any:
    """Plain JSON: numpy's values as Python's, and null for what is not a finite number."""
    written = json.dumps(answer, default=lambda value: value.tolist())
    return json.loads(written, parse_constant=lambda _: None)
