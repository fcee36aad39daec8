"""SWAP: against the published rule, worked examples, and volunteers whose skill is known."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caesar_web.domain import swap
from caesar_web.domain.classification import Group
from caesar_web.domain.folds import NOTHING, Reduced
from caesar_web.domain.series import DefaultSeries, Reducer, RunningSeries
from caesar_web.domain.swap import Event, Initial, Matrix, Skill, Tally
from caesar_web.domain.swap_reducers import MOST_POINTS
from tests.domain.making import make_groups, through_json
from tests.domain.test_reducers import folded, make_reducer

NEW = Initial(Matrix(0.5, 0.5), 2)
probabilities = st.floats(0.01, 0.99)


def test_the_matrix_is_the_share_of_right_answers_and_half_of_two_more() -> None:
    assert swap.estimated(Tally(), NEW) == Matrix(0.5, 0.5)
    assert swap.estimated(Tally(3, 1, 0, 2), NEW) == Matrix(4 / 6, 1 / 4)
    sure = swap.estimated(Tally(10**18, 0, 10**18, 0), NEW)
    assert max(sure) < 1


@given(probabilities, probabilities, probabilities, st.booleans())
def test_an_answer_counts_as_the_published_rule_has_it(
    before: float, right: float, right_about_others: float, said: bool
) -> None:
    matrix = Matrix(right, right_about_others)
    if_positive = right if said else 1 - right
    if_negative = 1 - right_about_others if said else right_about_others
    published = before * if_positive / (before * if_positive + (1 - before) * if_negative)
    after = swap.probability(swap.log_odds(before) + swap.evidence(matrix, said))
    assert after == pytest.approx(published, rel=1e-9)


def test_log_odds_of_any_size_are_a_probability() -> None:
    assert [swap.probability(odds) for odds in (-1e308, 0, 1e308)] == [0, 0.5, 1]


def test_who_guesses_tells_nothing_and_who_is_always_wrong_tells_all() -> None:
    assert swap.information(Matrix(0.3, 0.7)) == pytest.approx(0, abs=1e-12)
    assert swap.information(Matrix(0, 0)) == swap.information(Matrix(1, 1)) == 1
    assert swap.information(Matrix(0.9, 0.9)) == pytest.approx(0.531, abs=1e-3)


def test_training_that_comes_late_is_known_in_its_place() -> None:
    events = [Event(at, at, at % 2 == 0, at % 3 == 0) for at in range(9)]
    in_order, shuffled = Skill(), Skill()
    for event in events:
        in_order.learn(event)
    for event in random.Random(1).sample(events, len(events)):
        shuffled.learn(event)
    assert shuffled == in_order
    for event in events:
        early = Skill()
        for one in events[: event.at]:
            early.learn(one)
        found = swap.before(shuffled.tally, reversed(shuffled.events), (event.at, event.id))
        assert found == early.tally


def test_what_was_before_all_that_is_remembered_is_as_near_as_can_be() -> None:
    skill = Skill()
    for at in range(swap.MOST_EVENTS + 3):
        skill.learn(Event(at, at, True, True))
    assert len(skill.events) == swap.MOST_EVENTS
    assert swap.before(skill.tally, reversed(skill.events), (0, 0)) == Tally(true_positives=3)


def test_a_trajectory_has_a_bound() -> None:
    reducer = make_reducer("swap", {"positive": "0", "initial_positive": 0.6})
    said = [{"id": id, "at": id, "extracts": {"e": {"0": 1}}} for id in range(1, 2 * MOST_POINTS)]
    data = folded(reducer, make_groups(said)).data
    assert len(data["trajectory"]) == MOST_POINTS
    assert data["trajectory"][-1] == data["likelihood"]
    assert data["num_classifications"] == 2 * MOST_POINTS - 1


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("is_running", [False, True])
def test_a_prediction_counts_as_a_prior_wherever_it_comes(place: int, is_running: bool) -> None:
    config: dict[str, Any] = {"positive": "0", "initial_positive": 0.9, "initial_negative": 0.6}
    machine: dict[str, Any] = {"prior": 0.7, "prior_from": "p"}
    answers: list[dict[str, Any]] = [{"extracts": {"e": {said: 1}}} for said in "001"]
    predicted = [*answers]
    for p in (0.2, 0.9):  # so that the one with 0.2 is the newer
        predicted.insert(place, {"id": None, "extracts": {"machine": {"p": p}}})
    found = [
        data_after(make_reducer("swap", config | more, is_running=is_running), said)
        for more, said in [({"prior": 0.2}, answers), (machine, predicted)]
    ]
    assert found[1]["likelihood"] == pytest.approx(found[0]["likelihood"], rel=1e-12)
    assert found[0]["num_classifications"] == found[1]["num_classifications"] == 3


def data_after(reducer: Reducer, said: list[dict[str, Any]]) -> dict[str, Any]:
    """A reduction's data after classifications and predictions that come one after the other."""
    running, default = RunningSeries(reducer, {}, []), DefaultSeries(reducer, [])
    series: RunningSeries | DefaultSeries = running if reducer.is_running else default
    for at, one in enumerate(said):
        (group,) = make_groups([{"id": at + 1, "at": at} | one])
        series.arrive(group)
    data: dict[str, Any] = series.results["_default"].data
    return data


SKILL = {"positive": "0"}
SWAP = {"positive": "0", "prior": 0.3}
drawn_sequences = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.integers(0, 9),
            "user": st.sampled_from([None, 1, 2]),
            "subject": st.integers(1, 4),  # of 3 and 4 the answer is known
            "said": st.sampled_from(["0", "1"]),
        }
    ),
    min_size=1,
    max_size=25,
)


def in_their_order(drawn: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As classifications by (at, id)."""
    golds: dict[int, Any] = {3: {"gold": {"gold": "0"}}, 4: {"gold": {"gold": "1"}}}
    return sorted(
        (
            {**one, "id": id, "extracts": {"e": {one["said"]: 1}} | golds.get(one["subject"], {})}
            for id, one in enumerate(drawn, start=1)
        ),
        key=lambda one: (one["at"], one["id"]),
    )


def as_carried(reduced: Reduced | None) -> dict[str, Any]:
    """A volunteer's reduction as a classification has it beside it."""
    if reduced is None:
        return {}
    data, store = through_json(reduced)
    return {"relevant": data, "relevant_store": store}


@dataclass
class Online:
    """Subjects and volunteers whose reductions grow with each classification."""

    series: dict[tuple[str, int], RunningSeries] = field(default_factory=dict)

    def arrive(self, said: dict[str, Any]) -> None:
        skill = self.result("swap_skill", said["user"] or 0)
        (group,) = make_groups([said | as_carried(skill)])
        self._of("swap", said["subject"], SWAP).arrive(group)
        if said["user"] is not None:
            self._of("swap_skill", said["user"], SKILL).arrive(group)

    def result(self, type_name: str, target: int) -> Reduced | None:
        found = self.series.get((type_name, target))
        return found.results.get("_default") if found else None

    def _of(self, type_name: str, target: int, config: dict[str, Any]) -> RunningSeries:
        if (type_name, target) not in self.series:
            reducer = make_reducer(type_name, config, is_running=True)
            self.series[type_name, target] = RunningSeries(reducer, {}, [])
        return self.series[type_name, target]


def offline(type_name: str, config: dict[str, Any], groups: list[Group]) -> Reduced:
    series = DefaultSeries(make_reducer(type_name, config), groups[:-1])
    series.arrive(groups[-1])
    return series.results["_default"]


@given(drawn_sequences, st.randoms(use_true_random=False))
def test_online_and_offline_agree_on_the_same_sequence(
    drawn: list[dict[str, Any]], chance: random.Random
) -> None:
    sequence = in_their_order(drawn)
    online = Online()
    for said in sequence:
        online.arrive(said)
    shuffled = chance.sample(sequence, len(sequence))
    skills = {
        user: offline("swap_skill", SKILL, make_groups(one for one in shuffled if is_of(one, user)))
        for user in {one["user"] for one in sequence} - {None}
    }
    for user, skill in skills.items():
        assert online.result("swap_skill", user) == skill
    for subject in {one["subject"] for one in sequence}:
        groups = make_groups(
            one | as_carried(skills.get(one["user"]))
            for one in shuffled
            if one["subject"] == subject
        )
        assert offline("swap", SWAP, groups) == online.result("swap", subject)


def is_of(said: dict[str, Any], user: int) -> bool:
    return bool(said["user"] == user)


SUBJECTS, VOLUNTEERS, SHARE_POSITIVE, TRAINING = 1000, 200, 0.3, 40
RETIRED_AT = 0.95
MOST_ANSWERS = 30


class Volunteer(NamedTuple):
    """Somebody whose matrix is known to the simulation, and the reduction that is kept of them."""

    true: Matrix
    reduced: Reduced


def says(chance: random.Random, matrix: Matrix, truth: bool) -> bool:
    return chance.random() < (matrix.positive if truth else 1 - matrix.negative)


def answered(id: int, said: bool, **more: Any) -> dict[str, Any]:
    return {"id": id, "at": id, "extracts": {"e": {"0" if said else "1": 1}}, **more}


def trained(chance: random.Random, reducer: Reducer) -> Volunteer:
    """A volunteer after training with subjects whose answer is known."""
    matrix = Matrix(chance.uniform(0.55, 0.95), chance.uniform(0.55, 0.95))
    learned = []
    for id in range(TRAINING):
        truth = id % 2 == 0
        one = answered(id, says(chance, matrix, truth), user=1, subject=id)
        learned.append(one | {"extracts": one["extracts"] | {"gold": {"gold": str(id % 2)}}})
    return Volunteer(matrix, folded(reducer, make_groups(learned)))


def likelihoods(
    chance: random.Random, reducer: Reducer, volunteers: list[Volunteer], truth: bool
) -> Iterator[float]:
    """How likely one subject is positive, after one answer after another."""
    stored = NOTHING
    for id, one in enumerate(chance.sample(volunteers, len(volunteers)), start=TRAINING):
        carried = {"relevant": one.reduced.data, "relevant_store": one.reduced.store}
        said = answered(id, says(chance, one.true, truth), user=id, **carried)
        stored = folded(reducer, make_groups([said]), stored)
        yield stored.data["likelihood"]


def votes_needed(
    chance: random.Random, volunteers: list[Volunteer], truths: list[bool], accuracy: float
) -> int:
    """The fewest votes (an odd number) of which the majority is right so often."""
    for number in range(1, MOST_ANSWERS + 1, 2):
        right = 0
        for truth in truths:
            asked = chance.sample(volunteers, number)
            votes = sum(says(chance, one.true, truth) for one in asked)
            right += (2 * votes > number) == truth
        if right / len(truths) >= accuracy:
            return number
    raise AssertionError("no majority is right so often")


def test_posteriors_are_calibrated_and_need_fewer_answers_than_a_majority() -> None:
    chance = random.Random(20160101)
    skill = make_reducer("swap_skill", {"positive": "0"})
    reducer = make_reducer("swap", {"positive": "0", "prior": SHARE_POSITIVE})
    volunteers = [trained(chance, skill) for _ in range(VOLUNTEERS)]
    truths = [chance.random() < SHARE_POSITIVE for _ in range(SUBJECTS)]
    early: list[tuple[float, bool]] = []  # after three answers, retired or not
    ended: list[tuple[float, bool]] = []
    answers = 0
    for truth in truths:
        course = list(islice(likelihoods(chance, reducer, volunteers, truth), MOST_ANSWERS))
        early.append((course[2], truth))
        sure = (at for at, one in enumerate(course) if not 1 - RETIRED_AT < one < RETIRED_AT)
        end = next(sure, MOST_ANSWERS - 1)
        ended.append((course[end], truth))
        answers += end + 1
    accuracy = sum((likelihood > 0.5) == truth for likelihood, truth in ended) / SUBJECTS
    mean = answers / SUBJECTS
    majority = votes_needed(chance, volunteers, truths, accuracy)
    print(f"{accuracy:.1%} right: SWAP after {mean:.2f} answers, a majority of {majority}")  # noqa: T201  # what was found
    assert accuracy > RETIRED_AT - 0.02
    assert mean < 0.8 * majority
    for found in (early, ended):
        assert off_by(found) < 0.04


def off_by(found: list[tuple[float, bool]]) -> float:
    """By how much likelihoods are wrong on average, looked at in fifths."""
    fifths: dict[int, list[tuple[float, bool]]] = {}
    for likelihood, truth in found:
        fifths.setdefault(min(4, int(likelihood * 5)), []).append((likelihood, truth))
    wrong = (
        abs(sum(one for one, _ in some) - sum(truth for _, truth in some))
        for some in fifths.values()
    )
    error = sum(wrong) / len(found)
    print(f"likelihoods are off by {error:.3f} on average")  # noqa: T201  # what was found
    return error
