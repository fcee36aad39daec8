"""Merging: what is there stays, what is equal is not added again, and references follow."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caesar_web.domain.documents import read_document
from caesar_web.domain.merging import merged
from caesar_web.domain.recipes import RECIPES
from caesar_web.domain.renaming import renamed
from caesar_web.domain.values import InvalidConfiguration
from tests.domain.making import golden

JSON = dict[str, Any]
QUESTION: JSON = {"type": "question", "task_key": "T0", "if_missing": "reject"}
OTHER: JSON = {"type": "question", "task_key": "T5"}
COUNT: JSON = {"type": "count"}


def counting(*keys: str, **more: Any) -> JSON:
    return {"type": "stats", "filters": {"extractor_keys": list(keys)}, **more}


def five(key: str = "counts.0", action: str = "retire_subject", **effect: Any) -> JSON:
    return {"if": ["gte", ["lookup", key, 0], ["const", 5]], "then": [{"action": action, **effect}]}


def parts(extractors: JSON | None = None, reducers: JSON | None = None, *rules: JSON) -> JSON:
    return {
        "extractors_config": extractors or {},
        "reducers_config": reducers or {},
        "rules_config": list(rules),
    }


VOTES = parts({"votes": QUESTION}, {"counts": counting("votes")}, five())


def test_what_is_added_to_nothing_is_all_that_there_is() -> None:
    result = merged({}, VOTES)
    assert result.document == VOTES
    assert result.added == VOTES
    assert (result.already_there, result.extractors, result.reducers) == ({}, {}, {})


def test_what_is_there_stays_as_it_was_written_and_nothing_that_is_given_changes() -> None:
    current = {"status": "paused", **parts({"a": OTHER}, {"b": COUNT}, five("b.extracts"))}
    before = copy.deepcopy((current, VOTES))
    document = merged(current, {**VOTES, "status": "active"}).document
    assert (current, VOTES) == before
    assert document == {
        "status": "paused",
        "extractors_config": {"a": OTHER, "votes": QUESTION},
        "reducers_config": {"b": COUNT, "counts": counting("votes")},
        "rules_config": [five("b.extracts"), five()],
    }


# Each as it may be written, and as a workflow shows it.
EQUAL = [
    ("extractors_config", {"type": "question"}, {"if_missing": "error", **OTHER, "task_key": "T0"}),
    (
        "extractors_config",
        {**OTHER, "minimum_version": "2.1"},
        {**OTHER, "minimum_workflow_version": "2.1"},
    ),
    (
        "reducers_config",
        counting("x"),
        counting("x", topic="reduce_by_subject", reduction_mode="default_reduction"),
    ),
    ("reducers_config", counting("x", "y"), counting("y", "x")),
    (
        "reducers_config",
        {"type": "count", "filters": {"from": "0", "extractor_keys": "x"}},
        {"type": "count", "filters": {"extractor_keys": ["x"]}},
    ),
    ("reducers_config", {**COUNT, "grouping": {}}, COUNT),
    ("reducers_config", {**COUNT, "user_reducer_keys": []}, COUNT),
]


@pytest.mark.parametrize(("member", "given", "shown"), EQUAL)
def test_an_equal_one_is_used_again_under_its_own_key(
    member: str, given: JSON, shown: JSON
) -> None:
    for key in ("one", "another"):
        result = merged({member: {"one": shown}}, {member: {key: given}})
        assert result.document == {member: {"one": shown}}
        assert result.already_there == {member: {"one": given}}
        assert {**result.extractors, **result.reducers} == ({} if key == "one" else {key: "one"})


DIFFERENT = [
    ("extractors_config", QUESTION, OTHER),
    ("extractors_config", QUESTION, {**QUESTION, "minimum_version": "2.1"}),
    ("reducers_config", COUNT, {"type": "stats"}),
    ("reducers_config", COUNT, {**COUNT, "topic": "reduce_by_user"}),
    ("reducers_config", COUNT, {**COUNT, "reduction_mode": "running_reduction"}),
    ("reducers_config", COUNT, {**COUNT, "grouping": {"field_name": "a.b"}}),
    ("reducers_config", COUNT, {**COUNT, "user_reducer_keys": ["z"]}),
    ("reducers_config", counting("x"), counting("x", "y")),
    (
        "reducers_config",
        {**COUNT, "user_reducer_keys": ["y"]},
        {**COUNT, "user_reducer_keys": ["z"]},
    ),
]


@pytest.mark.parametrize(("member", "given", "kept"), DIFFERENT)
def test_a_different_one_gets_another_key(member: str, given: JSON, kept: JSON) -> None:
    result = merged({member: {"one": kept}}, {member: {"one": given}})
    assert result.document == {member: {"one": kept, "one_2": given}}
    assert result.added == {member: {"one_2": given}}
    assert {**result.extractors, **result.reducers} == {"one": "one_2"}


def test_a_key_that_something_else_has_or_gets_is_passed_over() -> None:
    current = parts({"a": OTHER, "a_2": {"type": "who"}})
    additions = parts({"a": QUESTION, "a_3": {**QUESTION, "task_key": "T7"}})
    assert merged(current, additions).extractors == {"a": "a_4"}


def test_all_that_refers_to_another_key_follows_and_nothing_else() -> None:
    condition = [
        "and",
        ["any", "votes", ["gte", ["lookup", "value", 0], ["lookup", "votes.0", 1]]],
        [
            "gte",
            ["lookup", "votes.a.b", 0],
            ["lookup", "votes[votes].x", 0],
            ["lookup", "votes", 1.0],
        ],
        ["eq", ["const", "votes.0"], ["lookup", "subject.votes", "votes"]],
    ]
    additions: JSON = {
        "extractors_config": {"ask": QUESTION, "who": {"type": "who"}},
        "reducers_config": {
            "votes": {
                **counting("ask", "who"),
                "grouping": {"field_name": "ask.ask", "if_missing": "ignore"},
                "user_reducer_keys": ["seen", "votes"],
            },
            "mean": {"type": "summary_stats", "summarize_field": "ask.0", "operations": ["mean"]},
            "seen": {**COUNT, "topic": "reduce_by_user", "subject_reducer_keys": ["votes"]},
        },
        "rules_config": [
            {
                "if": condition,
                "then": [{"action": "external", "url": "https://e.org/", "reducer_key": "votes"}],
            }
        ],
        "user_rules_config": [
            {"if": ["lookup", "votes.0", 0], "then": [{"action": "promote_user", "workflow_id": 7}]}
        ],
    }
    current = parts({"ask": OTHER}, {"votes": COUNT})
    result = merged(current, additions)
    assert (result.extractors, result.reducers) == ({"ask": "ask_2"}, {"votes": "votes_2"})
    assert result.added == {
        "extractors_config": {"ask_2": QUESTION, "who": {"type": "who"}},
        "reducers_config": {
            "votes_2": {
                **counting("ask_2", "who"),
                "grouping": {"field_name": "ask_2.ask", "if_missing": "ignore"},
                "user_reducer_keys": ["seen", "votes_2"],
            },
            "mean": {"type": "summary_stats", "summarize_field": "ask_2.0", "operations": ["mean"]},
            "seen": {**COUNT, "topic": "reduce_by_user", "subject_reducer_keys": ["votes_2"]},
        },
        "rules_config": [
            {
                "if": [
                    "and",
                    ["any", "votes_2", ["gte", ["lookup", "value", 0], ["lookup", "votes.0", 1]]],
                    [
                        "gte",
                        ["lookup", "votes_2.a.b", 0],
                        ["lookup", "votes_2[votes].x", 0],
                        ["lookup", "votes_2", 1.0],
                    ],
                    ["eq", ["const", "votes.0"], ["lookup", "subject.votes", "votes"]],
                ],
                "then": [{"action": "external", "url": "https://e.org/", "reducer_key": "votes_2"}],
            }
        ],
        "user_rules_config": [
            {
                "if": ["lookup", "votes_2.0", 0],
                "then": [{"action": "promote_user", "workflow_id": 7}],
            }
        ],
    }
    assert merged(result.document, additions).added == {}


def test_keys_can_change_places() -> None:
    rule = {"if": ["lt", ["lookup", "a.x", 0], ["lookup", "b.x", 0]], "then": []}
    document = parts({"p": QUESTION, "q": OTHER}, {"a": counting("p"), "b": counting("q")}, rule)
    swapped = renamed(document, extractors={"p": "q", "q": "p"}, reducers={"a": "b", "b": "a"})
    assert swapped == {
        "extractors_config": {"q": QUESTION, "p": OTHER},
        "reducers_config": {"b": counting("q"), "a": counting("p")},
        "rules_config": [{"if": ["lt", ["lookup", "b.x", 0], ["lookup", "a.x", 0]], "then": []}],
    }


def test_reducers_that_carry_each_other_along_are_recognised() -> None:
    def carrying(first: str, second: str, **more: Any) -> JSON:
        return {
            first: {**COUNT, "user_reducer_keys": [second], **more},
            second: {**COUNT, "topic": "reduce_by_user", "subject_reducer_keys": [first]},
        }

    additions = {"reducers_config": carrying("a", "b")}
    current = {"reducers_config": {"a": {"type": "stats"}, "b": {"type": "stats"}}}
    once = merged(current, additions)
    assert once.added == {"reducers_config": carrying("a_2", "b_2")}
    assert merged(once.document, additions).added == {}
    other = {"reducers_config": carrying("a", "b", filters={"from": 1})}
    assert merged(once.document, other).reducers == {"a": "a_3", "b": "b_3"}


def test_a_reducer_differs_where_any_that_it_carries_along_does() -> None:
    by_user = {**COUNT, "topic": "reduce_by_user"}
    reducers = {
        "a": {**COUNT, "user_reducer_keys": ["b", "c"]},
        "b": by_user,
        "c": {**by_user, "subject_reducer_keys": ["d"]},
        "d": {"type": "stats"},
    }
    other = {**reducers, "b": {**by_user, "filters": {"from": 1}}}
    names = merged({"reducers_config": reducers}, {"reducers_config": other}).reducers
    assert names == {"a": "a_2", "b": "b_2"}


def test_equal_additions_keep_the_keys_that_they_got() -> None:
    additions = parts({}, {"p": COUNT, "q": COUNT}, five("q.extracts"))
    once = merged({"reducers_config": {"q": {"type": "stats"}}}, additions)
    assert once.added == {
        "reducers_config": {"p": COUNT, "q_2": COUNT},
        "rules_config": [five("q_2.extracts")],
    }
    assert merged(once.document, additions).added == {}


def test_results_from_outside_are_told_apart_by_their_key() -> None:
    placeholder = {"type": "placeholder"}
    current = {"reducers_config": {"swap": placeholder}}
    assert merged(current, {"reducers_config": {"scores": placeholder}}).document == {
        "reducers_config": {"swap": placeholder, "scores": placeholder}
    }
    assert merged(current, {"reducers_config": {"swap": placeholder}}).document == current


@pytest.mark.parametrize(
    ("kept", "given", "is_known"),
    [
        (five(), five(), True),
        (five(reason="other"), five(), True),
        (five(reason="blank"), five(), False),
        (five("counts.1"), five(), False),
        ({**five(), "if": ["gte", ["lookup", "counts.0", False], ["const", 5]]}, five(), False),
        (
            five(action="add_subject_to_set", subject_set_id=7),
            five(action="add_to_subject_set", subject_set_id="7"),
            True,
        ),
    ],
)
def test_an_equal_rule_is_not_added_twice(kept: JSON, given: JSON, *, is_known: bool) -> None:
    result = merged(parts({}, {}, kept), parts({}, {}, given))
    assert result.document["rules_config"] == ([kept] if is_known else [kept, given])
    name = "already_there" if is_known else "added"
    assert getattr(result, name) == {"rules_config": [given]}


def test_a_rule_that_is_given_twice_is_added_once() -> None:
    assert merged({}, parts({}, {}, five(), five())).document["rules_config"] == [five()]


def test_who_looks_at_all_extractors_is_named_when_there_are_more() -> None:
    reducers = {"all": COUNT, "some": counting("ask"), "scores": {"type": "placeholder"}}
    current = parts({"ask": OTHER}, reducers)
    assert merged(current, VOTES).widened == ("all",)
    assert merged(current, {"rules_config": [five()]}).widened == ()
    assert merged(merged(current, VOTES).document, VOTES).widened == ()


def test_what_cannot_be_read_is_refused() -> None:
    for current, additions in (({"x": 1}, {}), ({}, {"x": 1})):
        with pytest.raises(InvalidConfiguration):
            merged(current, additions)


BUILT = [RECIPES[case["recipe"]].build(case["values"]) for case in golden("recipes")]


@given(st.lists(st.sampled_from(BUILT), max_size=6))
def test_recipes_in_any_order_are_all_there_and_stay_once(added: list[JSON]) -> None:
    document: JSON = {}
    for additions in added:
        once = merged(document, additions)
        twice = merged(once.document, additions)
        assert (twice.document, twice.added) == (once.document, {})
        document = once.document
    read_document(document)
    for additions in added:
        assert merged(document, additions).added == {}
