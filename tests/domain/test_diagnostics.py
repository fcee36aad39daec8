"""What surprises people in conditions, and that each fix takes the surprise away."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caesar_web.domain.condition_edits import node_at, replaced
from caesar_web.domain.conditions import InvalidCondition, Node, parse
from caesar_web.domain.diagnostics import (
    DIAGNOSTICS,
    MOST_DIAGNOSTICS,
    Diagnostic,
    diagnose,
    refusal,
)
from caesar_web.domain.documents import read_document
from caesar_web.domain.evaluation import EvaluationError, evaluate
from caesar_web.domain.grouping import Grouping
from caesar_web.domain.known import Known, KnownReducer, observe
from caesar_web.domain.reducers import REDUCERS
from caesar_web.domain.scope import ReductionScope
from tests.domain.knowing import make_known
from tests.domain.making import golden, golden_cases
from tests.domain.strategies import conditions, scopes

DOCUMENT = Path(__file__).parents[2] / "docs" / "conditions.md"
CASES = golden("diagnostics")


def described(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "kind": diagnostic.kind,
        "path": list(diagnostic.path),
        "message": diagnostic.message,
        "fixes": [fix._asdict() for fix in diagnostic.fixes],
    }


@pytest.mark.parametrize("case", golden_cases("diagnostics"))
def test_what_is_said_of_a_condition(case: dict[str, Any]) -> None:
    found = diagnose(parse(case["condition"]), make_known(case["known"]))
    assert [described(one) for one in found] == case["says"]
    assert all(one.level == DIAGNOSTICS[one.kind].level for one in found)


@pytest.mark.parametrize("kind", DIAGNOSTICS)
def test_every_kind_has_a_golden_case(kind: str) -> None:
    assert kind in {one["kind"] for case in CASES for one in case["says"]}


@pytest.mark.parametrize("kind", DIAGNOSTICS)
def test_every_kind_is_documented_with_its_level(kind: str) -> None:
    level = DIAGNOSTICS[kind].level
    row = rf"^\| `{kind}` \| {level} \| \S.*\|$"
    assert re.search(row, DOCUMENT.read_text("utf-8"), re.MULTILINE)


FIXES = [
    pytest.param(case, one, fix["node"], id=f"{case['why']}: {fix['label']}")
    for case in CASES
    for one in case["says"]
    for fix in one["fixes"]
]


@pytest.mark.parametrize(("case", "said", "node"), FIXES)
def test_a_fix_takes_its_diagnostic_away_and_nothing_else(
    case: dict[str, Any], said: dict[str, Any], node: list[Any]
) -> None:
    known, path = make_known(case["known"]), said["path"]
    fixed = replaced(case["condition"], path, node)
    after = diagnose(parse(fixed), known)
    assert said["kind"] not in {one.kind for one in after}
    assert replaced(fixed, path, node_at(case["condition"], path)) == case["condition"]
    elsewhere = [one for one in case["says"] if one["path"][: len(path)] != path]
    assert [described(one) for one in after if list(one.path[: len(path)]) != path] == elsewhere


known_reducers = st.builds(
    KnownReducer,
    st.sampled_from([*REDUCERS]),
    options=st.sampled_from([{}, {"operations": ("mean", "x")}]),
    grouping=st.sampled_from([Grouping(), Grouping("e", "f")]),
)


@st.composite
def knowns(draw: st.DrawFn) -> Known:
    """Any sample, with any configuration beside it."""
    reducers = st.dictionaries(st.sampled_from(["r", "s", "key", "r[g]"]), known_reducers)
    return replace(
        observe(draw(st.lists(scopes, max_size=4))),
        reducers=draw(st.none() | reducers),
        is_for_users=draw(st.booleans()),
    )


@given(conditions, knowns())
@example(["const", float(2**1000)], Known())
@example(["eq", ["const", "9" * 400], ["const", 1]], Known())
@example(["lookup", "subject.", ""], Known(sampled=1))
def test_whatever_is_a_condition_has_diagnostics(condition: Any, known: Known) -> None:
    for one in diagnose(parse(condition), known):
        node_at(condition, one.path)
        assert one.message
        for fix in one.fixes:
            assert fix.label
            parse(replaced(condition, one.path, fix.node))


def _is_constant(node: Node) -> bool:
    return node.operator not in ("lookup", "any", "all") and all(map(_is_constant, node.operands))


@given(conditions, knowns(), scopes)
@example(["+", ["const", "1"], ["lookup", "r.x", 0]], Known(), ReductionScope({}))
@example(["%", ["const", 5], ["lookup", "r.x", 2]], Known(), ReductionScope({}))
@example(["lt", ["const", 2], ["const", 1], ["const", None]], Known(), ReductionScope({}))
def test_what_always_fails_does(condition: Any, known: Known, scope: ReductionScope) -> None:
    for one in diagnose(parse(condition), known):
        node = parse(node_at(condition, one.path))
        if one.kind == "always_fails" or (one.level == "error" and _is_constant(node)):
            with pytest.raises(EvaluationError):
                evaluate(node, scope)


_values: st.SearchStrategy[Any] = st.sampled_from([0, 2.5, "", "5", "x", None, True, []])


@given(
    st.sampled_from(["lt", "gte", "+", "/", "to_i", "to_f", "upcase"]),
    _values,
    _values,
    st.lists(_values, min_size=1, max_size=4),
)
def test_what_is_told_of_one_lookup_is_exactly_what_fails(
    operator: str, constant: Any, fallback: Any, values: list[Any]
) -> None:
    """Beside a constant, an error is told of the data if and only if a sampled subject fails."""
    operands = [["lookup", "r.z", fallback]]
    if operator in ("lt", "gte", "+", "/"):
        operands.append(["const", constant])
    node = parse([operator, *operands])
    samples = [ReductionScope({"r": {"_default": {"z": value}}}) for value in values]
    told = {one.kind: one for one in diagnose(node, observe(samples)) if one.level == "error"}
    failing = [value for scope, value in zip(samples, values, strict=True) if fails(node, scope)]
    if "always_fails" in told:
        assert failing == values
        return
    found = [value for value in failing if value is not None]
    assert ("found_fails" in told) == bool(found)
    assert not found or f"{len(found)} of {len(values)} subjects" in told["found_fails"].message
    has_told_of_fallback = bool(told.keys() & {"fallback_fails", "nothing_when_missing"})
    assert has_told_of_fallback == fails(node, ReductionScope({}))


def fails(node: Node, scope: ReductionScope) -> bool:
    try:
        evaluate(node, scope)
    except EvaluationError:
        return True
    return False


@pytest.mark.parametrize("case", golden_cases("recipes", "document"))
def test_no_recipe_surprises_where_its_own_reducers_are_known(case: dict[str, Any]) -> None:
    document = read_document(case["document"])
    (rule,) = document.subject_rules or document.user_rules or []
    reducers = {
        row.key: KnownReducer(row.type, options=row.config) for row in document.reducers or []
    }
    found = diagnose(parse(rule.condition), Known(reducers=reducers))
    assert {one.level for one in found} <= {"note"}


def test_a_wide_and_deep_condition_has_its_diagnostics_in_time() -> None:
    wide: list[Any] = [
        "and",
        *(["gt", ["lookup", f"r.x{at}", ""], ["const", 1]] for at in range(2000)),
    ]
    for _ in range(90):
        wide = ["not", wide]
    found = diagnose(parse(wide), Known())
    assert [one.kind for one in found] == ["fallback_fails"] * MOST_DIAGNOSTICS


@given(conditions.filter(lambda condition: _is_constant(parse(condition))))
@example(["+", ["const", "1"], ["const", 1]])
def test_every_failure_of_constants_is_told(condition: Any) -> None:
    node = parse(condition)
    try:
        evaluate(node, ReductionScope({}))
    except EvaluationError:
        assert [one for one in diagnose(node, Known()) if one.kind == "always_fails"]


@pytest.mark.parametrize(
    ("condition", "path", "added"),
    [
        (["lookup", "a"], [], [["lookup", "a", 0], ["lookup", "a", ""]]),
        (
            ["gte", ["lookup", "a.b"], ["const", 5]],
            [1],
            [["lookup", "a.b", 0], ["lookup", "a.b", ""]],
        ),
        (["lookup"], [], []),
        (["lookup", 5, 5], [1], []),
        ([], [], []),
        (["not", "x"], [1], []),
        (["not", [["x"]]], [1, 0], []),
        ("x", [], []),
    ],
)
def test_a_lookup_without_a_fallback_is_offered_one(
    condition: Any, path: list[int], added: list[Any]
) -> None:
    with pytest.raises(InvalidCondition) as problem:
        parse(condition)
    told = refusal(condition, problem.value)
    assert (told.kind, told.level, list(told.path)) == ("refused", "error", path)
    assert [fix.node for fix in told.fixes] == added
    assert ("default" in told.message) == bool(added)
    for fix in told.fixes:
        parse(replaced(condition, path, fix.node) if path else fix.node)
