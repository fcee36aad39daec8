"""Conditions and rules in plain English."""

import json
import re
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caesar_web.domain.conditions import SHAPES, Node, parse, write
from caesar_web.domain.effect_reading import EFFECT_WORDS
from caesar_web.domain.effects import EFFECTS, EffectRow
from caesar_web.domain.reading import (
    WORDS,
    condition_pieces,
    read_condition,
    read_rule,
    rule_pieces,
)
from tests.domain.making import golden, golden_cases
from tests.domain.strategies import conditions, json_values, texts

READINGS = golden("readings")
DOCUMENT = Path(__file__).parents[2] / "docs" / "conditions.md"


def make_effects(then: list[dict[str, Any]]) -> list[EffectRow]:
    """Effects as a document has them."""
    return [
        EffectRow(effect["action"], {name: effect[name] for name in effect if name != "action"})
        for effect in then
    ]


@pytest.mark.parametrize("case", golden_cases("readings"))
def test_how_it_reads(case: dict[str, Any]) -> None:
    node = parse(case["condition"])
    if "then" in case:
        assert read_rule(node, make_effects(case["then"])) == case["reading"]
    else:
        assert read_condition(node) == case["reading"]


DOCUMENTED = [
    line.split(" → ", 1)
    for block in re.findall(
        r"^```readings\n(.*?)^```", DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    for line in block.splitlines()
]


@pytest.mark.parametrize(("condition", "reading"), DOCUMENTED)
def test_it_reads_as_documented(condition: str, reading: str) -> None:
    assert read_condition(parse(json.loads(condition))) == reading


def _as_json(condition: Any) -> str:
    return json.dumps(condition)


@pytest.mark.parametrize("case", golden_cases("conditions"))
def test_every_golden_condition_has_a_golden_reading(case: dict[str, Any]) -> None:
    assert _as_json(case["condition"]) in {_as_json(one["condition"]) for one in READINGS}


@pytest.mark.parametrize("operator", SHAPES)
def test_every_operator_has_a_golden_reading(operator: str) -> None:
    own = [case for case in READINGS if case["condition"][0] == operator and "then" not in case]
    assert own


def test_every_operator_and_every_effect_has_its_words() -> None:
    assert list(WORDS) == list(SHAPES)
    assert list(EFFECT_WORDS) == list(EFFECTS)


@pytest.mark.parametrize("action", EFFECTS)
def test_every_effect_has_a_golden_reading(action: str) -> None:
    told = [effect["action"] for case in READINGS for effect in case.get("then", [])]
    assert action in told or action == "add_subject_to_collection"  # there by its other name


@given(conditions)
@example(["and", ["or"], ["and"]])
@example(["any", "r[", ["lookup", "r[].x", {"a": []}]])
@example(["lookup", ".", None])
def test_whatever_is_a_condition_reads(condition: Any) -> None:
    reading = read_condition(parse(condition))
    assert reading.strip() == reading != ""
    assert read_rule(parse(condition), []).endswith(", then do nothing.")


@given(
    st.lists(
        st.builds(
            EffectRow,
            st.sampled_from([*EFFECTS, "", "…"]) | texts,
            st.dictionaries(
                st.sampled_from(["reason", "subject_set_id", "reducer_key", "url"]), json_values()
            ),
        ),
        max_size=3,
    )
)
def test_whatever_somebody_writes_as_an_effect_reads(effects: list[EffectRow]) -> None:
    assert read_rule(parse(["const", True]), effects).startswith("If true, then ")


@given(conditions)
def test_pieces_are_the_sentence(condition: Any) -> None:
    node = parse(condition)
    pieces = condition_pieces(node)
    assert "".join(piece.text for piece in pieces) == read_condition(node)
    assert not [one for one, other in pairwise(pieces) if one.kind == other.kind == "words"]


def test_keys_and_values_are_pieces_of_their_own() -> None:
    node = parse(["gte", ["lookup", "counts.LION", 0], ["const", "5"]])
    effects = make_effects([{"action": "retire_subject", "reason": "blank"}])
    assert [tuple(piece) for piece in rule_pieces(node, effects)] == [
        ("If ", "words"),
        ("counts", "key"),
        (" → ", "words"),
        ("LION", "key"),
        (" is at least ", "words"),
        ('"5"', "value"),
        (" (", "words"),
        ("0", "value"),
        (" when missing), then retire the subject as ", "words"),
        ('"blank"', "value"),
        (".", "words"),
    ]


SAME_WORDS = {"int": "to_i", "float": "to_f"}  # they mean the same


def meaning(node: Node, *, in_entry: bool = False) -> Any:
    """A tree without what makes no difference: other names, and fallbacks that are never used."""
    if in_entry and node.operator == "lookup" and node.arguments[0] == "key":
        return ["lookup", "key"]
    inside = in_entry or node.operator in ("any", "all")
    operands = [meaning(operand, in_entry=inside) for operand in node.operands]
    return [SAME_WORDS.get(node.operator, node.operator), *node.arguments, *operands]


def assert_told_apart(conditions: list[Any]) -> None:
    known: dict[str, str] = {}
    for condition in conditions:
        node = parse(condition)
        meant = _as_json(meaning(node))
        assert known.setdefault(read_condition(node), meant) == meant


# Names that are words of ours, and values that look like other values.
LEAVES: list[list[Any]] = [
    *(["const", value] for value in (True, None, 0, "0", "", "nothing")),
    *(["lookup", key, 0] for key in ("key", "value", "is", "0", "not.and", "subject.x", "subject")),
    ["lookup", "value", "0"],
    ["lookup", "r[is].agreement", None],
]
FEW = [["const", 0], ["lookup", "value", 0]]


def grown(operands: list[Any], beside: list[Any]) -> list[Any]:
    """Every operator over these operands, alone and beside some others on both sides."""
    trees: list[Any] = []
    for operator, shape in SHAPES.items():
        if operator in ("const", "lookup"):
            continue
        first = [operator, *["r"] * shape.arguments]
        trees += [[*first]] if shape.fewest == 0 else []
        trees += [[*first, operand] for operand in operands]
        if shape.most is None:
            trees += [[*first, one, other] for one, other in product(operands, beside)]
            trees += [[*first, other, one] for one, other in product(operands, beside)]
            trees += [[*first, *three] for three in product(beside[:2], repeat=3)]
    return trees


def test_no_two_small_conditions_read_the_same() -> None:
    """All trees over two levels of operators; only same meanings share a sentence."""
    small = grown(LEAVES, LEAVES)
    assert_told_apart([*LEAVES, *small, *grown(grown(FEW, FEW), FEW)])


small_conditions = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.tuples(
            st.sampled_from(["and", "or", "eq", "lt", "+", "-"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
        st.tuples(
            st.sampled_from(["not", "to_f", "float"]), st.lists(inner, min_size=1, max_size=1)
        ),
        st.tuples(
            st.sampled_from(["any", "all"]), st.tuples(st.sampled_from(["r", "r.and"]), inner)
        ),
    ).map(lambda drawn: [drawn[0], *drawn[1]]),
    max_leaves=5,
)


@given(st.lists(small_conditions, min_size=2, max_size=30))
@example([["and", ["and", ["const", True], ["const", True]], ["const", True]], ["and"]])
def test_no_two_conditions_read_the_same(drawn: list[Any]) -> None:
    assert_told_apart([*drawn, *(["not", condition] for condition in drawn)])


@given(texts.filter(bool), texts.filter(bool))
@example("r[g].x", "r[g.x]")
@example("a.b", '"a".b')
@example("subject.zooniverse_subject_id", "subject.Zooniverse id")
@example("value", "the value of value")
def test_no_two_keys_read_the_same(one: str, other: str) -> None:
    assert_told_apart([["lookup", key, 0] for key in (one, other)])
    assert_told_apart([["any", key, ["const", True]] for key in (one, other)])
    assert_told_apart([["any", "r", ["lookup", key, 0]] for key in (one, other)])


@given(json_values(), json_values())
@example(None, "nothing")
@example("", "empty text")
@example(1, True)
@example(1, 1.0)
def test_no_two_values_read_the_same(one: Any, other: Any) -> None:
    assert_told_apart([["const", value] for value in (one, other)])
    assert_told_apart([["lookup", "r.x", value] for value in (one, other)])


def test_reading_a_condition_leaves_it_as_it_is() -> None:
    condition = ["eq", ["lookup", "r.x", {"a": [1]}], ["const", [2]]]
    node = parse(condition)
    read_condition(node)
    assert write(node) == ["eq", ["lookup", "r.x", {"a": [1]}], ["const", [2]]]
