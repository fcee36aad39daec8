"""The sample configurations are valid, refer to what exists, and show every kind of thing."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caesar_web.domain.conditions import parse, write
from caesar_web.domain.effects import read_effect
from caesar_web.domain.extractors import EXTRACTORS, read_extractor_options
from caesar_web.domain.filters import read_filters
from caesar_web.domain.grouping import read_grouping
from caesar_web.domain.options import read_options
from caesar_web.domain.reducers import REDUCERS
from caesar_web.domain.values import Problem
from caesar_web.standin import demo
from caesar_web.standin.benchmark_events import CONFIGURATION
from caesar_web.standin.seed import seeded_world

FOLDER = Path(demo.__file__).parent / "configurations"
SAMPLES: dict[Any, Any] = {
    int(path.stem): json.loads(path.read_text()) for path in FOLDER.glob("*.json")
}
DOCUMENTS = {**SAMPLES, "benchmark": CONFIGURATION}
REDUCER_WORDS = {"type", "topic", "reduction_mode", "filters", "grouping"}
KINDS = {
    "question": "single",
    "survey": "survey",
    "points": "point",
    "rectangles": "rectangle",
    "polygons": "polygon",
    "text": "text",
    "combo": "combo",
}

documents = pytest.mark.parametrize("document", DOCUMENTS.values(), ids=map(str, DOCUMENTS))


def test_there_is_one_for_each_workflow_of_the_sample_stream() -> None:
    assert sorted(SAMPLES) == sorted(demo.WORKFLOW_IDS)


@documents
def test_it_has_these_parts_and_no_others(document: dict[str, Any]) -> None:
    assert set(document) == {
        *("status", "public_extracts", "public_reductions", "rules_applied"),
        *("extractors_config", "reducers_config", "rules_config", "user_rules_config"),
    }
    assert document["status"] == "active"


@documents
def test_its_extractors_can_be_made(document: dict[str, Any]) -> None:
    problems: list[Problem] = []
    for key, written in document["extractors_config"].items():
        config = {name: written[name] for name in set(written) - {"type", "minimum_version"}}
        read_extractor_options(written["type"], config, place=key, problems=problems)
    assert problems == []


@documents
def test_its_reducers_can_be_made_and_read_what_is_extracted(document: dict[str, Any]) -> None:
    problems: list[Problem] = []
    extractors = set(document["extractors_config"])
    for key, written in document["reducers_config"].items():
        config = {name: written[name] for name in set(written) - REDUCER_WORDS}
        options = REDUCERS[written["type"]].options
        read_options(options, config, place=key, problems=problems)
        filters = read_filters(written.get("filters"), place=key, problems=problems)
        assert set(filters.extractor_keys) <= extractors
        grouping = read_grouping(written.get("grouping"), place=key, problems=problems)
        assert grouping.extractor_key is None or grouping.extractor_key in extractors
        if "summarize_field" in written:
            assert written["summarize_field"].partition(".")[0] in extractors
    assert problems == []


@documents
def test_its_conditions_look_up_reductions_that_exist(document: dict[str, Any]) -> None:
    for rules, topic in (("rules_config", "subject"), ("user_rules_config", "user")):
        reducers = {
            key
            for key, written in document["reducers_config"].items()
            if (written.get("topic") == "reduce_by_user") == (topic == "user")
        }
        for rule in document[rules]:
            assert write(parse(rule["if"])) == rule["if"]
            named = {key.partition(".")[0] for key in looked_up(rule["if"])}
            assert named <= reducers | {"value"}


def looked_up(condition: list[Any]) -> Iterator[str]:
    if condition[0] == "lookup":
        yield condition[1]
    for part in condition[1:]:
        if isinstance(part, list):
            yield from looked_up(part)


@documents
def test_its_effects_are_known(document: dict[str, Any]) -> None:
    problems: list[Problem] = []
    for rules, topic in (("rules_config", "subject"), ("user_rules_config", "user")):
        for rule in document[rules]:
            for effect in rule["then"]:
                config = {name: effect[name] for name in set(effect) - {"action"}}
                read_effect(effect["action"], config, topic=topic, place="", problems=problems)
    assert problems == []


@pytest.mark.parametrize("workflow_id", SAMPLES)
def test_effects_stay_within_the_project(workflow_id: int) -> None:
    world = seeded_world(classification_bound=1)
    project_id = world.workflows[workflow_id].project_id
    document = SAMPLES[workflow_id]
    for rule in document["rules_config"] + document["user_rules_config"]:
        for effect in rule["then"]:
            if "subject_set_id" in effect:
                assert world.subject_sets[effect["subject_set_id"]].project_id == project_id
            if "collection_id" in effect:
                assert project_id in world.collections[effect["collection_id"]].project_ids
            if "workflow_id" in effect:
                assert world.workflows[effect["workflow_id"]].project_id == project_id


def test_every_kind_that_needs_nothing_else_appears_in_the_samples() -> None:
    def used(part: str) -> set[str]:
        return {
            written["type"] for document in SAMPLES.values() for written in document[part].values()
        }

    # The others need a server of their own, or training subjects.
    elsewhere = {"external", "sqs", "gold", "swap", "swap_skill"}
    assert used("extractors_config") == set(EXTRACTORS) - elsewhere
    assert used("reducers_config") == set(REDUCERS) - elsewhere


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_task_has_a_configuration_that_reads_and_decides(kind: str) -> None:
    workflows = seeded_world(classification_bound=1).workflows
    asked = {id: tasks_of_kind(KINDS[kind], workflows[id].tasks) for id in SAMPLES}
    assert any(asked.values())
    for workflow_id, keys in asked.items():
        assert keys <= set(read_tasks(SAMPLES[workflow_id]["extractors_config"]))
        effects = [one for rule in SAMPLES[workflow_id]["rules_config"] for one in rule["then"]]
        assert "consensus" in {one.get("reason") for one in effects}


def tasks_of_kind(kind: str, tasks: dict[str, Any]) -> set[str]:
    """The keys of the tasks of this type or with such a tool; a combo task stands for its own."""
    if kind == "combo":
        return {key for task in tasks.values() for key in task.get("tasks", ())}
    return {
        key
        for key, task in tasks.items()
        if kind in (task["type"], *(tool["type"] for tool in task.get("tools", ())))
    }


def read_tasks(extractors: dict[str, Any]) -> Iterator[str]:
    for written in extractors.values():
        options = {**written, **written.get("parameters", {})}
        yield options.get("task_key") or options.get("task") or "T0"
        yield from re.findall(r"annotations\.(T\d+)", json.dumps(options.get("field_map", "")))
