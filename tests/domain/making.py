"""Short ways to write down classifications, extracts and scopes, and to read the golden tables."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

from caesar_web.domain.annotations import by_task
from caesar_web.domain.classification import Classification, Extract, Group, Subject, grouped
from caesar_web.domain.scope import ReductionScope
from caesar_web.domain.values import JSONValue, Problem, is_number

GOLDEN = Path(__file__).parent.parent / "golden"
START = datetime(2026, 1, 1, tzinfo=UTC)
SUBJECT = 1


def golden(name: str) -> list[dict[str, Any]]:
    """The cases of a golden table, each with its one-line `why`."""
    cases: list[dict[str, Any]] = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    return cases


def golden_cases(name: str, *keys: str) -> list[ParameterSet]:
    """The cases as parameters of a test; with `keys` only those that have one of them."""
    wanted = [case for case in golden(name) if not keys or not case.keys().isdisjoint(keys)]
    return [pytest.param(case, id=case["why"]) for case in wanted]


def exactly(value: Any) -> Any:
    """A value as text that tells true from 1, for comparing; 1.0 and 1 read alike, as in JSON."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    if isinstance(value, Mapping):
        return {key: _plain(member) for key, member in value.items()}
    return float(f"{float(value):.12g}") if is_number(value) else value


def through_json(value: Any) -> Any:
    """What a database gives back: JSON, with the keys of objects in another order."""
    return json.loads(json.dumps(value, sort_keys=True, allow_nan=False))


def make_classification(
    annotations: Any,
    *,
    user_id: int | None = None,
    metadata: Mapping[str, JSONValue] | None = None,
    subject_metadata: Mapping[str, JSONValue] | None = None,
    workflow_version: str | None = "1.1",
) -> Classification:
    """A classification of subject 1 in workflow 3 of project 2, from the stream's annotations."""
    return Classification(
        id=10,
        project_id=2,
        workflow_id=3,
        workflow_version=workflow_version,
        subject=Subject(SUBJECT, dict(subject_metadata or {}), START, START),
        user_id=user_id,
        annotations=by_task(annotations),
        metadata=dict(metadata or {}),
        created_at=START,
        updated_at=START,
    )


def make_extracts(classifications: Iterable[Mapping[str, Any]]) -> list[Extract]:
    """Extracts from `{"id", "at"?, "user"?, "subject"?, "relevant"?, "extracts": {key: data}}`.

    `relevant` are the data of the reduction that they carry along, `relevant_store` its store.
    """
    return [
        Extract(
            id=_extract_id(classification, number),
            classification_id=classification["id"],
            classification_at=START + timedelta(seconds=classification.get("at", 0)),
            extractor_key=extractor_key,
            subject_id=classification.get("subject", SUBJECT),
            user_id=classification.get("user"),
            data=data,
            relevant_reduction=_relevant(classification),
        )
        for classification in classifications
        for number, (extractor_key, data) in enumerate(classification["extracts"].items())
    ]


def _relevant(classification: Mapping[str, Any]) -> Any:
    if "relevant" not in classification:
        return None
    return {"data": classification["relevant"], "store": classification.get("relevant_store")}


def _extract_id(classification: Mapping[str, Any], number: int) -> int:
    """Ids that rise within a classification, but not with the ids of classifications."""
    id: int | None = classification["id"]
    at: int = classification.get("at", 0)
    return 10_000 + number + 10 * (at if id is None else -id)


def make_groups(classifications: Iterable[Mapping[str, Any]]) -> list[Group]:
    """The groups of `make_extracts`, in their order."""
    return grouped(make_extracts(classifications))


def make_scope(case: Mapping[str, Any]) -> ReductionScope:
    """The scope of a golden case: `reductions` are in `_default`, `subgroups` where they say."""
    reductions = {key: {"_default": data} for key, data in case.get("reductions", {}).items()}
    return ReductionScope(
        reductions | case.get("subgroups", {}), case.get("subject_id", SUBJECT), case.get("subject")
    )


def refused_places(problems: Iterable[Problem]) -> list[str]:
    return [problem.place for problem in problems]
