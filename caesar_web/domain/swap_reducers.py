"""The reducers of SWAP: a volunteer's confusion matrix, and how likely a subject is positive."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from caesar_web.domain.classification import Group
from caesar_web.domain.folds import Options, Reduced, stored_object
from caesar_web.domain.swap import (
    Event,
    Initial,
    Matrix,
    Skill,
    Tally,
    before,
    estimated,
    evidence,
    gold_of,
    information,
    is_positive,
    log_odds,
    position_of,
    probability,
    said_of,
)
from caesar_web.domain.swap_options import LEAST_PRIOR
from caesar_web.domain.values import as_text, bounded, is_number

MOST_POINTS = 100  # of a trajectory


class SwapSkill:
    """A volunteer's confusion matrix, from what they said of subjects whose answer is known."""

    def resume(self, options: Options, stored: Reduced) -> Skill:
        return Skill(_tally(stored.data), sorted(_newest_first(stored.store)))

    def add(self, options: Options, state: Skill, group: Group) -> Skill:
        if group.classification_id is None or group.continued:
            return state
        said = said_of(group, options["positive"], options["negative"])
        gold = None if said is None else _gold(options, gold_of(group), said)
        if said is not None and gold is not None:
            position = position_of(group.at, group.classification_id)
            state.learn(Event(*position, gold, said))
        return state

    def result(self, options: Options, state: Skill) -> Reduced:
        matrix = estimated(state.tally, _initial(options))
        data = {
            "training": sum(state.tally),
            **state.tally._asdict(),
            "p_positive": matrix.positive,
            "p_negative": matrix.negative,
            "skill": information(matrix),
        }
        return Reduced(data, {"events": [[*map(int, event)] for event in state.events]})


@dataclass
class Belief:
    """How likely a subject is positive, in log odds, and how that came."""

    prior: float  # in log odds too
    log_odds: float
    number: int = 0
    by_expert: bool = False
    trajectory: list[float] = field(default_factory=list)

    def move(self, by: float) -> None:
        """Takes in what changes the log odds by so much."""
        self.log_odds = bounded(self.log_odds + by)
        self.trajectory.append(probability(self.log_odds))
        del self.trajectory[:-MOST_POINTS]


class Swap:
    """How likely a subject is positive, after each answer, by who gave it."""

    def resume(self, options: Options, stored: Reduced) -> Belief:
        data = stored_object(stored.data)
        store = stored_object(stored.store)
        known: Any = store.get("log_odds")
        count, points = data.get("num_classifications"), data.get("trajectory")
        prior: Any = store.get("prior")
        if not is_number(prior):
            prior = log_odds(options["prior"])
        if not is_number(known) or not _is_count(count) or not isinstance(points, list):
            return Belief(prior, prior, trajectory=[options["prior"]])
        trajectory = [point for point in points if is_number(point)]
        by_expert = data.get("seen_by_expert") is True
        return Belief(bounded(prior), bounded(known), count, by_expert, trajectory)

    def add(self, options: Options, state: Belief, group: Group) -> Belief:
        if group.classification_id is None:
            return self._predicted(options, state, group)
        if group.continued:
            return state
        matrix = _matrix(options, group)
        if _is_expert(options, group.user_id, matrix):
            state.by_expert = True
        said = said_of(group, options["positive"], options["negative"])
        if said is not None:
            state.move(evidence(matrix, said))
            state.number += 1
        return state

    def _predicted(self, options: Options, state: Belief, group: Group) -> Belief:
        """A machine's prediction takes the place of the prior, whenever it comes."""
        predicted: Any = stored_object(group.extracts[0].data).get(options["prior_from"])
        if is_number(predicted):
            prior = log_odds(min(max(predicted, LEAST_PRIOR), 1 - LEAST_PRIOR))
            state.move(prior - state.prior)
            state.prior = prior
        return state

    def result(self, options: Options, state: Belief) -> Reduced:
        data = {
            "likelihood": probability(state.log_odds),
            "num_classifications": state.number,
            "seen_by_expert": state.by_expert,
            "trajectory": list(state.trajectory),
        }
        return Reduced(data, {"log_odds": state.log_odds, "prior": state.prior})


def _tally(data: Any) -> Tally:
    """A volunteer's tally from the data of their reduction, as far as they have one."""
    counts = stored_object(data)
    return Tally(**{name: counts[name] for name in Tally._fields if _is_count(counts.get(name))})


def _newest_first(store: Any) -> Iterator[Event]:
    """A volunteer's events from the store of their reduction, as far as it has any."""
    events = stored_object(store).get("events")
    for one in reversed(events) if isinstance(events, list) else ():
        if isinstance(one, list) and len(one) == 4 and all(map(_is_count, one)):
            yield Event(one[0], one[1], bool(one[2]), bool(one[3]))


def _matrix(options: Options, group: Group) -> Matrix:
    """The matrix of who classified; of somebody who is not signed in the initial one."""
    carried = stored_object(group.extracts[0].relevant_reduction)
    if group.user_id is None:
        carried = {}
    tally = _tally(carried.get("data"))
    if options["matrix"] == "then" and group.classification_id is not None:
        position = position_of(group.at, group.classification_id)
        tally = before(tally, _newest_first(carried.get("store")), position)
    return estimated(tally, _initial(options))


def _is_expert(options: Options, user_id: int | None, matrix: Matrix) -> bool:
    least = options["expert_at"]
    return user_id in options["experts"] or (least is not None and min(matrix) >= least)


def _gold(options: Options, gold: Any, said: bool) -> bool | None:
    """Whether the subject is positive: by its label, or by whether the volunteer was right."""
    if gold is None:
        return None
    if isinstance(gold, bool):
        return said if gold else not said
    if options["gold_positive"]:
        return is_positive([as_text(gold)], options["gold_positive"], options["gold_negative"])
    return is_positive([as_text(gold)], options["positive"], options["negative"])


def _initial(options: Options) -> Initial:
    matrix = Matrix(options["initial_positive"], options["initial_negative"])
    return Initial(matrix, options["initial_weight"])


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
