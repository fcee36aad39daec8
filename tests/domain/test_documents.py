"""Parts of a document that are read alone: what they become, and where what is wrong stands."""

from typing import Any

import pytest

from caesar_web.domain.documents import ExtractorRow, read_document, read_extractor, read_reducer
from caesar_web.domain.effects import EffectRow
from caesar_web.domain.options import MASK
from caesar_web.domain.rule_parts import read_rule_parts, same_json
from caesar_web.domain.values import InvalidConfiguration

RUNNING = {"type": "stats", "reduction_mode": "running_reduction"}


def test_a_part_is_read_as_in_a_document() -> None:
    extractor = {"type": "question", "task_key": "T1", "minimum_version": "2.10"}
    reducer = {**RUNNING, "filters": {"extractor_keys": ["a"]}}
    whole = read_document(
        {"extractors_config": {"a": extractor}, "reducers_config": {"b": reducer}}
    )
    assert [read_extractor("a", extractor)] == whole.extractors
    assert [read_reducer("b", reducer)] == whole.reducers
    assert read_extractor("a", {"type": "survey"}) == ExtractorRow("a", "survey", {}, None)


@pytest.mark.parametrize(
    ("key", "entry", "places"),
    [
        ("a", {"type": "question", "task_key": 1}, ["task_key"]),
        ("a", {"type": "question", "no": 1, "minimum_version": "x"}, ["minimum_version", "no"]),
        ("a", {"type": "who", "minimum_version": []}, ["minimum_version"]),
        ("a", {"type": "who", "minimum_workflow_version": False}, ["minimum_version"]),
        ("a", {"type": "none"}, ["type"]),
        ("a", {}, ["type"]),
        ("a b", {"type": "survey"}, ["key"]),
        ("", {"type": "none"}, ["key", "type"]),
        ("a", {"type": "question", "task_key": "\0"}, [""]),
        ("a", [], [""]),
    ],
)
def test_places_are_within_the_extractor(key: str, entry: Any, places: list[str]) -> None:
    with pytest.raises(InvalidConfiguration) as problem:
        read_extractor(key, entry)
    assert [one.place for one in problem.value.problems] == places


@pytest.mark.parametrize(
    ("key", "entry", "places"),
    [
        ("subject", {"type": "stats"}, ["key"]),
        ("a.b", {"type": "stats"}, ["key"]),
        ("a", {"type": "stats", "filters": {"from": "x"}}, ["filters.from"]),
        ("a", {"type": "stats", "grouping": {"field_name": 1}}, ["grouping.field_name"]),
        ("a", {"type": "stats", "topic": "x"}, ["topic"]),
        ("a", {**RUNNING, "filters": {"from": 3}}, ["filters"]),
        ("a", {"type": "external", "url": "http://example.org"}, ["url"]),
        ("a", {"type": "votes", "topic": "reduce_by_user"}, ["topic"]),
        ("a", {"type": "votes", "weight_field": "skill"}, ["user_reducer_keys"]),
    ],
)
def test_places_are_within_the_reducer(key: str, entry: Any, places: list[str]) -> None:
    with pytest.raises(InvalidConfiguration) as problem:
        read_reducer(key, entry)
    assert [one.place for one in problem.value.problems] == places


def test_every_problem_of_a_rule_is_told_at_once() -> None:
    rows = [EffectRow("retire_subject", {"reason": "x"}), EffectRow("", {})]
    with pytest.raises(InvalidConfiguration) as problem:
        read_rule_parts('["lt", ["const"]]', rows, topic="subject")
    places = [one.place for one in problem.value.problems]
    assert places == ["if[1]", "then[0].reason", "then[1].action"]


def test_effects_of_a_rule_keep_their_secrets() -> None:
    config = {"url": f"https://{MASK}@example.org/", "reducer_key": "a"}
    read = read_rule_parts(
        '["const", 1]', [EffectRow("external", config, {"url": "a:b"})], topic="subject"
    )
    assert read.effects == (EffectRow("external", config, {"url": "a:b"}),)
    (masked,) = read_rule_parts(
        '["const", 1]', [EffectRow("external", config)], topic="subject"
    ).effects
    assert masked.secrets == {"url": MASK}


@pytest.mark.parametrize(
    ("text", "other", "same"),
    [
        ("[1,  2]", "[1,2]", True),
        ("[1.0]", "[1.00]", True),
        ("[1.0]", "[1]", False),
        ("[true]", "[1]", False),
        ('["\\u00e9"]', '["é"]', True),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', False),
    ],
)
def test_json_that_says_the_same(text: str, other: str, same: bool) -> None:
    assert same_json(text, other) is same
