"""Changes of a configuration in English."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caesar_web.domain.configuration_changes import changes

JSON = dict[str, Any]


def rule(least: float, **effect: Any) -> JSON:
    condition = ["gte", ["lookup", "counts.lion", 0], ["const", least]]
    return {"if": condition, "then": [{"action": "retire_subject", **effect}]}


def read(least: float) -> str:
    return (
        f"“If counts → lion is at least {least} (0 when missing),"
        " then retire the subject as other.”"
    ).replace("as other", 'as "other"')


SURVEY: JSON = {"type": "survey", "task_key": "T0"}
COUNTS: JSON = {"type": "stats", "filters": {"from": 0, "to": 4}}
CASES: list[tuple[JSON, JSON, list[str]]] = [
    ({}, {}, []),
    (
        {"status": "paused", "public_extracts": False},
        {"status": "active", "public_extracts": True},
        ["settings: public extracts off → on", "settings: status paused → active"],
    ),
    (
        {"rules_applied": "all_matching_rules"},
        {"rules_applied": "no_rules"},
        ["settings: rules applied all matching rules → no rules"],
    ),
    ({}, {"extractors_config": {"T0": SURVEY}}, ["extractor T0 added (survey)"]),
    ({"extractors_config": {"T0": SURVEY}}, {}, ["extractor T0 removed"]),
    (
        {"extractors_config": {"T0": SURVEY}},
        {"extractors_config": {"all": SURVEY}},
        ["extractor T0 renamed to all"],
    ),
    (
        {"extractors_config": {"T0": SURVEY}},
        {"extractors_config": {"T0": {**SURVEY, "task_key": "T1", "if_missing": "error"}}},
        ["extractor T0: task key T0 → T1", "extractor T0: if missing nothing → error"],
    ),
    (
        {"reducers_config": {"counts": COUNTS}},
        {"reducers_config": {"counts": {**COUNTS, "filters": {"from": 0, "to": 9}}}},
        ["reducer counts: to 4 → 9"],
    ),
    (
        {"extractors_config": {"T0": SURVEY}, "reducers_config": {"counts": COUNTS}},
        {
            "extractors_config": {"T0": {**SURVEY, "status": "paused"}},
            "reducers_config": {"counts": {**COUNTS, "status": "halted"}},
        },
        ["extractor T0 paused", "reducer counts halted"],
    ),
    (
        {
            "extractors_config": {"T0": {**SURVEY, "status": "paused"}},
            "reducers_config": {"counts": {**COUNTS, "status": "halted"}},
        },
        {"extractors_config": {"T0": SURVEY}, "reducers_config": {"counts": COUNTS}},
        ["extractor T0 resumed", "reducer counts started again"],
    ),
    (
        {},
        {"extractors_config": {"T0": {**SURVEY, "status": "paused"}}},
        ["extractor T0 added as paused (survey)"],
    ),
    (
        {"rules_config": [rule(3), rule(4), rule(5)]},
        {
            "rules_config": [
                {**rule(4), "status": "halted"},
                rule(3),
                {**rule(6), "status": "paused"},
            ]
        },
        [
            "rule 2 moved: it is rule 1 now",
            f"rule 3: {read(5)} became: {read(6)}",
            "rule 1 halted",
            "rule 3 paused",
        ],
    ),
    (
        {"user_rules_config": [{**rule(3), "status": "paused"}]},
        {"user_rules_config": [rule(3), {**rule(4), "status": "paused"}]},
        [
            "rule 1 for volunteers resumed",
            f"rule 2 for volunteers added as paused: {read(4)}",
        ],
    ),
    ({}, {"rules_config": [rule(3)]}, [f"rule 1 added: {read(3)}"]),
    ({"rules_config": [rule(3)]}, {}, [f"rule 1 removed: {read(3)}"]),
    (
        {"rules_config": [rule(3), rule(4)]},
        {"rules_config": [rule(3), rule(5)]},
        [f"rule 2: {read(4)} became: {read(5)}"],
    ),
    (
        {"rules_config": [rule(1), rule(2), rule(3)]},
        {"rules_config": [rule(2), rule(3), rule(1)]},
        ["rule 1 moved: it is rule 3 now"],
    ),
    (
        {"user_rules_config": [rule(1)]},
        {"user_rules_config": [rule(1.0)]},
        [f"rule 1 for volunteers: {read(1)} became: {read(1.0)}"],
    ),
    (
        {"rules_config": [{"if": ["nonsense"]}]},
        {},
        ['rule 1 removed: {"if": ["nonsense"]}'],
    ),
]


@pytest.mark.parametrize(("before", "after", "said"), CASES)
def test_each_change_is_a_sentence(before: JSON, after: JSON, said: list[str]) -> None:
    assert changes(before, after) == said


RULES = st.lists(st.builds(rule, st.integers(0, 4)), max_size=6)
KEYED = st.dictionaries(st.sampled_from("abc"), st.sampled_from([SURVEY, COUNTS]))
DOCUMENTS = st.fixed_dictionaries(
    {"status": st.sampled_from(["active", "paused"])},
    optional={
        "extractors_config": KEYED,
        "reducers_config": KEYED,
        "rules_config": RULES,
        "user_rules_config": RULES,
    },
)


@given(DOCUMENTS, DOCUMENTS)
def test_something_is_said_exactly_where_something_changed(before: JSON, after: JSON) -> None:
    def meant(document: JSON) -> JSON:
        return {name: value for name, value in document.items() if value}

    assert (changes(before, after) == []) == (meant(before) == meant(after))
    assert changes(after, after) == []
