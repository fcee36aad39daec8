"""What recipes are made of: the reducers that each one needs, and its condition."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from caesar_web.domain.values import InvalidConfiguration, Problem

Values = Mapping[str, Any]
Condition = list[Any]

NOT_TRAINING: Condition = [
    "not",
    ["eq", ["downcase", ["lookup", "subject.#training_subject", "false"]], ["const", "true"]],
]


class Parts(NamedTuple):
    """A condition, with the reducers that it looks at as a document has them."""

    condition: Condition
    reducers: dict[str, Any]


def first_agree(values: Values) -> Parts:
    first, reducer = _first(values["people"], "consensus")
    return Parts(_at_least(f"{first}.num_votes", values["people"]), reducer)


def first_say(values: Values) -> Parts:
    first, reducer = _first(values["people"], "consensus")
    says = _is(f"{first}.most_likely", values["answer"])
    return Parts(["and", says, _at_least(f"{first}.num_votes", values["people"])], reducer)


def some_of_first_say(values: Values) -> Parts:
    if values["people"] > values["first"]:
        raise InvalidConfiguration([Problem("people", "cannot be more than the first ones")])
    first, reducer = _first(values["first"], "stats")
    return Parts(_at_least(f"{first}.{values['answer']}", values["people"]), reducer)


def some_say(values: Values) -> Parts:
    return Parts(_at_least(f"counts.{values['answer']}", values["people"]), _COUNTS)


def one_says(values: Values) -> Parts:
    return Parts(_at_least(f"counts.{values['answer']}", 1), _COUNTS)


def some_say_one_of(values: Values) -> Parts:
    added = ["+", *(["lookup", f"counts.{answer}", 0] for answer in values["answers"])]
    return Parts(["gte", added, ["const", values["people"]]], _COUNTS)


def some_say_the_same(values: Values) -> Parts:
    return Parts(["any", "counts", _at_least("value", values["people"])], _COUNTS)


def people_say(values: Values) -> Parts:
    return Parts(_at_least(f"people.votes.{values['answer']}", values["people"]), _VOTES)


def people_say_one_of(values: Values) -> Parts:
    either = _reducer("votes", "answers") | {"answers": {"any": list(values["answers"])}}
    return Parts(_at_least("either.votes.any", values["people"]), {"either": either})


def last_say(values: Values) -> Parts:
    return Parts(_at_least(f"people.consecutive.{values['answer']}", values["people"]), _VOTES)


def people_lead(values: Values) -> Parts:
    return Parts(["and", _at_least("people.margin", values["lead"]), _people(values)], _VOTES)


def agree(values: Values) -> Parts:
    return Parts(_votes(values), _CONSENSUS)


def agree_except(values: Values) -> Parts:
    says = _is("consensus.most_likely", values["answer"])
    return Parts(["and", ["not", says], _votes(values)], _CONSENSUS)


def agree_clearly(values: Values) -> Parts:
    return Parts(["and", _votes(values), _agreement(values)], _CONSENSUS)


def agree_where(values: Values) -> Parts:
    where = _is(f"subject.{values['field']}", values["text"])
    return Parts(["and", _votes(values), where], _CONSENSUS)


def agree_with_machine(values: Values) -> Parts:
    says = _is("consensus.most_likely", values["answer"])
    confidence = ["to_f", ["lookup", f"subject.{values['field']}", 0]]
    sure = ["gte", confidence, ["const", values["confidence"]]]
    unanimous = _at_least("consensus.agreement", 1)
    return Parts(["and", says, _votes(values), unanimous, sure], _CONSENSUS)


def clear_answer(values: Values) -> Parts:
    says = _is("consensus.most_likely", values["answer"])
    condition = ["and", says, _agreement(values), _seen(values)]
    return Parts(condition, {**_CONSENSUS, **_COUNT})


def disputed(values: Values) -> Parts:
    unclear = ["lt", ["lookup", "consensus.agreement", 0], ["const", values["agreement"]]]
    return Parts(["and", _seen(values), unclear], {**_CONSENSUS, **_COUNT})


def seen(values: Values) -> Parts:
    return Parts(_seen(values), _COUNT)


def first_or_seen(values: Values) -> Parts:
    nothing, of_nothing = _first(values["people"], "stats")
    something, of_something = _first(values["other_people"], "stats")
    condition = [
        "or",
        _at_least(f"{nothing}.{values['answer']}", values["people"]),
        _at_least(f"{something}.{values['other_answer']}", values["other_people"]),
        _seen(values),
    ]
    return Parts(condition, {**of_nothing, **of_something, **_COUNT})


def first_or_majority(values: Values) -> Parts:
    first, of_first = _first(values["people"], "stats")
    more, of_more = _first(values["views"], "stats")
    majority = _at_least(f"{more}.{values['answer']}", values["views"] // 2 + 1)
    at_once = _at_least(f"{first}.{values['answer']}", values["people"])
    condition = ["or", at_once, ["and", _seen(values), majority]]
    return Parts(condition, {**of_first, **of_more, **_COUNT})


def metadata_say(values: Values) -> Parts:
    return Parts(_is(f"subject.{values['field']}", values["text"]), _COUNT)


def drew_nothing(values: Values) -> Parts:
    return Parts(
        _at_least("blanks.blank", values["people"]), {"blanks": _reducer("stats", "blank")}
    )


def score_reached(values: Values) -> Parts:
    return Parts(
        _at_least(f"scores.{values['field']}", values["score"]), {"scores": {"type": "external"}}
    )


def swap_low(values: Values) -> Parts:
    unlikely: Condition = ["lt", _LIKELIHOOD, ["const", values["likelihood"]]]
    return Parts(["and", _answered(values), unlikely], _swap(values))


def swap_high(values: Values) -> Parts:
    likely: Condition = ["gt", _LIKELIHOOD, ["const", values["likelihood"]]]
    return Parts(["and", _answered(values), likely], _swap(values))


def swap_unsure(values: Values) -> Parts:
    if values["low"] >= values["high"]:
        raise InvalidConfiguration([Problem("low", "must be less than the other likelihood")])
    unsure: Condition = ["lte", ["const", values["low"]], _LIKELIHOOD, ["const", values["high"]]]
    unseen: Condition = ["not", ["lookup", "swap.seen_by_expert", False]]
    return Parts(["and", _answered(values), unsure, unseen], _swap(values))


def swap_expert(values: Values) -> Parts:
    right = [_at_least(f"skill.{name}", values["right"]) for name in ("p_positive", "p_negative")]
    trained = _at_least("skill.training", values["people"])
    return Parts(["and", trained, *right], {"skill": _skill(values)})


def volunteer_seen(values: Values) -> Parts:
    reducer = {"topic": "reduce_by_user", **_reducer("count", "who")}
    return Parts(_at_least("seen.classifications", values["views"]), {"seen": reducer})


def _at_least(key: str, number: float) -> Condition:
    return ["gte", ["lookup", key, 0], ["const", number]]


def _is(key: str, text: str) -> Condition:
    return ["eq", ["lookup", key, ""], ["const", text]]


def _votes(values: Values) -> Condition:
    return _at_least("consensus.num_votes", values["people"])


def _agreement(values: Values) -> Condition:
    return _at_least("consensus.agreement", values["agreement"])


def _answered(values: Values) -> Condition:
    return _at_least("swap.num_classifications", values["people"])


def _skill(values: Values) -> dict[str, Any]:
    return {
        "type": "swap_skill",
        "topic": "reduce_by_user",
        "reduction_mode": "running_reduction",
        "positive": [values["answer"]],
        "filters": {"extractor_keys": ["answers", "gold"]},
    }


def _swap(values: Values) -> dict[str, Any]:
    """What makes a likelihood, alike for all recipes, and what it takes to know of volunteers."""
    swap = {
        "positive": [values["answer"]],
        "prior": values["prior"],
        "expert_at": values["expert_at"],
        "user_reducer_keys": ["skill"],
    }
    return {"swap": _reducer("swap", "answers") | swap, "skill": _skill(values)}


def _people(values: Values) -> Condition:
    return _at_least("people.people", values["views"])


def _seen(values: Values) -> Condition:
    return _at_least("count.classifications", values["views"])


def _reducer(type_name: str, extractor: str, **filters: Any) -> dict[str, Any]:
    return {"type": type_name, "filters": {"extractor_keys": [extractor], **filters}}


def _first(people: int, type_name: str) -> tuple[str, dict[str, Any]]:
    """The key of a reducer of the first so many answers, and the reducer."""
    key = f"first{people}"
    filters = {"from": 0, "to": people - 1, "empty_extracts": "ignore_empty"}
    return key, {key: _reducer(type_name, "answers", **filters)}


_LIKELIHOOD: Condition = ["lookup", "swap.likelihood", 0.5]
# Somebody who answers nothing has no vote.
_CONSENSUS = {"consensus": _reducer("consensus", "answers", empty_extracts="ignore_empty")}
_COUNTS = {"counts": _reducer("stats", "answers")}
_VOTES = {"people": _reducer("votes", "answers")}
_COUNT = {"count": _reducer("count", "who")}  # whatever they say
