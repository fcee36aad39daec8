"""Dry runs: the same that evaluation says, counted and compared."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from caesar_web.domain.conditions import Node, parse
from caesar_web.domain.dry_run import Outcome, changes, compared, dry_run
from caesar_web.domain.evaluation import EvaluationError, evaluate, holds
from caesar_web.domain.scope import ReductionScope
from tests.domain.strategies import conditions, scopes


def lions(*counts: Any) -> list[tuple[int, ReductionScope]]:
    """Subjects 1, 2, ... with so many lions each."""
    return [
        (id, ReductionScope({"counts": {"_default": {"lion": count}}}, id))
        for id, count in enumerate(counts, start=1)
    ]


def verdict(node: Node, scope: ReductionScope) -> tuple[str, str | None]:
    try:
        value = evaluate(node, scope)
    except EvaluationError as problem:
        return "cannot be evaluated", str(problem)
    return "matches" if holds(value) else "does not match", None


@given(conditions, st.lists(scopes, max_size=4))
def test_it_agrees_with_evaluation(condition: Any, sampled: list[ReductionScope]) -> None:
    node = parse(condition)
    run = dry_run(node, enumerate(sampled))
    for outcome, scope in zip(run.outcomes, sampled, strict=True):
        assert (outcome.verdict, outcome.error) == verdict(node, scope)


def test_counts() -> None:
    run = dry_run(parse(["gt", ["lookup", "counts.lion", 0], ["const", 2]]), lions(1, 3, "x", 4))
    assert (run.matching, run.failing, run.total, run.share) == (2, 1, 4, 0.5)
    assert dry_run(parse(["const", True]), []).share == 0


def test_what_a_change_changes() -> None:
    sampled = lions(1, 3, "x", 5, "many")
    live = parse(["gt", ["lookup", "counts.lion", 0], ["const", 4]])
    edited = parse(
        [
            "or",
            ["eq", ["lookup", "counts.lion", 0], ["const", "x"]],
            ["gt", ["const", 4], ["lookup", "counts.lion", 0]],
        ]
    )
    rows = compared(dry_run(edited, sampled).outcomes, dry_run(live, sampled).outcomes)
    assert [(row.target_id, row.change) for row in rows] == [
        (1, "newly matches"),
        (2, "newly matches"),
        (3, "newly matches"),
        (4, "no longer matches"),
        (5, "same"),  # neither can be evaluated
    ]
    assert changes(rows) == {"newly matches": 3, "no longer matches": 1, "same": 1}


def test_one_that_fails_now_did_not_before() -> None:
    now, before = Outcome(1, "cannot be evaluated", "!"), Outcome(1, "does not match")
    assert [row.change for row in compared([now], [before])] == ["now fails"]
    assert [row.change for row in compared([before], [now])] == ["same"]  # it did not match


def test_who_was_not_looked_at_twice_is_not_compared() -> None:
    assert compared([Outcome(1, "matches")], [Outcome(2, "matches")]) == ()
