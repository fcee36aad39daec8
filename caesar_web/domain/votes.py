"""The votes reducer: how many different people gave each answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, TypeGuard

from caesar_web.domain.classification import Group
from caesar_web.domain.folds import NOTHING, Options, Reduced, stored_object
from caesar_web.domain.options import (
    Option,
    Unreadable,
    number,
    several,
    text,
    whole_number,
    within,
)
from caesar_web.domain.values import bounded, is_number

Number = int | float
Identity = tuple[int | None, int | None]


@dataclass
class Person:
    """What one person said, and how much that weighs."""

    weight: Number
    answers: set[str] = field(default_factory=set)


class Votes:
    """Each person is there once, with all answers that the filters let through of them.

    A person is a volunteer, or a classification of somebody who was not signed in. Machines are
    none.
    """

    def resume(self, options: Options, stored: Reduced) -> dict[Identity, Person]:
        people = stored_object(stored.store).get("people")
        return dict(filter(None, map(_read_person, people if isinstance(people, list) else ())))

    def add(
        self, options: Options, state: dict[Identity, Person], group: Group
    ) -> dict[Identity, Person]:
        if group.classification_id is None:
            return state
        user_id = group.user_id
        identity = (user_id, None if user_id is not None else group.classification_id)
        person = state.setdefault(identity, Person(_weight(options, group)))
        names = options["answers"]
        for extract in group.extracts:
            person.answers |= {names.get(answer, answer) for answer in extract.answers}
        return state

    def result(self, options: Options, state: dict[Identity, Person]) -> Reduced:
        if not state:
            return NOTHING
        people = [
            [*identity, person.weight, sorted(person.answers)] for identity, person in state.items()
        ]
        counted = list(state.values())[: options["first"]]
        return Reduced(_counted(counted[-(options["last"] or 0) :]), {"people": people})


def _counted(people: Sequence[Person]) -> dict[str, Any]:
    votes: dict[str, Number] = {}
    for person in people:
        for answer in sorted(person.answers):
            votes[answer] = bounded(votes.get(answer, 0) + person.weight)
    total: Number = 0
    for person in people:
        total = bounded(total + person.weight)
    # As with consensus, among equal ones the answer that was first given last leads.
    top = max(reversed(votes), key=votes.__getitem__, default="")
    top_votes = votes.get(top, 0)
    others = (count for answer, count in votes.items() if answer != top)
    return {
        "people": len(people),
        "total_votes": total,
        "votes": votes,
        "top_answer": top,
        "top_votes": top_votes,
        "margin": top_votes - max(others, default=0),
        "agreement": top_votes / total if total else 0,
        "consecutive": {
            answer: _in_a_row(answer, reversed(people)) for answer in sorted(people[-1].answers)
        },
    }


def _in_a_row(answer: str, people: Iterable[Person]) -> int:
    return sum(1 for _ in takewhile(lambda person: answer in person.answers, people))


def _weight(options: Options, group: Group) -> Number:
    """What the volunteer's reduction says, which the extracts carry; else the default."""
    default: Number = options["default_weight"]
    if options["weight_field"] is None:
        return default
    carried = stored_object(group.extracts[0].relevant_reduction).get("data")
    found = stored_object(carried).get(options["weight_field"])
    return found if _is_weight(found) else default


def _is_weight(value: Any) -> TypeGuard[Number]:
    return is_number(value) and value >= 0


def _read_person(entry: Any) -> tuple[Identity, Person] | None:
    """A person as they are stored; None where something else is."""
    if not isinstance(entry, list) or len(entry) != 4:
        return None
    *ids, weight, answers = entry
    are_ids = all(one is None or isinstance(one, int) for one in ids)
    if not are_ids or not _is_weight(weight) or not isinstance(answers, list):
        return None
    return (ids[0], ids[1]), Person(bounded(weight), {one for one in answers if _is_text(one)})


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _combined(value: Any) -> dict[str, str]:
    """The name under which each answer counts, from {name: answers}."""
    if not isinstance(value, Mapping):
        raise Unreadable("must be an object of names, each with a list of answers")
    names: dict[str, str] = {}
    for name, answers in value.items():
        for answer in several(answers):
            if names.setdefault(answer, name) != name:
                raise Unreadable(f"{answer} can be under one name only")
    return names


_PEOPLE = within(whole_number, least=1)
VOTES_OPTIONS = (
    Option(
        "answers",
        _combined,
        default={},
        kind="groups",
        label="Answers that count as one",
        help="Each has a name and its answers: who gives any of them has one vote for the name, and"
        " none for them.",
        example="DUIKER, HOG",
    ),
    Option(
        "first",
        _PEOPLE,
        kind="whole number",
        label="Only the first so many people",
        help="Empty: all of them.",
        example="3",
    ),
    Option(
        "last",
        _PEOPLE,
        kind="whole number",
        label="Only the last so many people",
        help="Of those that count else. Empty: all of them.",
        example="3",
    ),
    Option(
        "weight_field",
        text,
        kind="text",
        label="Weight of a vote",
        help="A field of the volunteer’s reduction that is carried along below. Empty: each vote"
        " weighs the same.",
        example="skill",
    ),
    Option(
        "default_weight",
        within(number, least=0),
        default=1,
        kind="number",
        label="Weight where there is none",
        help="What a vote of somebody weighs who is not signed in, or has no such field.",
        example="0.5",
    ),
)
