"""The types of reducers that run in process."""

from collections.abc import Callable
from typing import Any, NamedTuple

from caesar_web.domain.aggregation import Kind
from caesar_web.domain.classification import Group
from caesar_web.domain.folds import NOTHING, Fold, Options, Reduced, stored_object, stored_pairs
from caesar_web.domain.library_options import (
    AGGREGATION_OF_REDUCERS,
    MEANS,
    RECTANGLE_OPTIONS,
    LibraryCall,
    chosen,
    rectangle_call,
    with_parameters,
)
from caesar_web.domain.options import Option, read_options, switch, text
from caesar_web.domain.service_options import QUEUE, REDUCER_SERVICE
from caesar_web.domain.summary_stats import SUMMARY_OPTIONS, SummaryStats
from caesar_web.domain.swap_options import SKILL_OPTIONS, SWAP_OPTIONS
from caesar_web.domain.swap_reducers import Swap, SwapSkill
from caesar_web.domain.values import Problem, as_text, bounded, is_blank, is_number
from caesar_web.domain.votes import VOTES_OPTIONS, Votes


class Consensus:
    """Each extract's sorted keys are one vote; among equal counts the vote first seen last wins."""

    def resume(self, options: Options, stored: Reduced) -> dict[str, int]:
        return dict(stored_pairs(stored.store))  # pairs, because JSONB would reorder an object

    def add(self, options: Options, state: dict[str, int], group: Group) -> dict[str, int]:
        for extract in group.extracts:
            if options["ignore_empty_extracts"] and is_blank(extract.data):
                continue
            vote = "+".join(sorted(extract.data)) if isinstance(extract.data, dict) else ""
            state[vote] = state.get(vote, 0) + 1
        return state

    def result(self, options: Options, state: dict[str, int]) -> Reduced:
        if not state:
            return NOTHING
        most = max(state.values())
        most_likely = [vote for vote, count in state.items() if count == most][-1]
        agreement = most / sum(state.values())
        data = {"most_likely": most_likely, "num_votes": most, "agreement": agreement}
        return Reduced(data, [[vote, count] for vote, count in state.items()])


class Count:
    """How many classifications, and how many extracts."""

    def resume(self, options: Options, stored: Reduced) -> tuple[int, int]:
        counts = stored_object(stored.data)
        classifications, extracts = (counts.get(key, 0) for key in ("classifications", "extracts"))
        is_counted = isinstance(classifications, int) and isinstance(extracts, int)
        return (classifications, extracts) if is_counted else (0, 0)

    def add(self, options: Options, state: tuple[int, int], group: Group) -> tuple[int, int]:
        classifications, extracts = state
        is_new = group.classification_id is not None and not group.continued
        return classifications + is_new, extracts + len(group.extracts)

    def result(self, options: Options, state: tuple[int, int]) -> Reduced:
        return Reduced({"classifications": state[0], "extracts": state[1]}, None)


class Stats:
    """Sums every key. What cannot be added is left out, and the store says how often."""

    def resume(self, options: Options, stored: Reduced) -> tuple[dict[str, Any], int]:
        sums = {key: sum_ for key, sum_ in stored_object(stored.data).items() if is_number(sum_)}
        left_out = stored_object(stored.store).get("left_out", 0)
        return sums, left_out if isinstance(left_out, int) else 0

    def add(
        self, options: Options, state: tuple[dict[str, Any], int], group: Group
    ) -> tuple[dict[str, Any], int]:
        sums, left_out = state
        for extract in group.extracts:
            members = extract.data if isinstance(extract.data, dict) else {}
            for key, value in members.items():
                if isinstance(value, int | float):  # true is 1, false is 0
                    sums[key] = bounded(sums.get(key, 0) + value)
                else:
                    left_out += 1
        return sums, left_out

    def result(self, options: Options, state: tuple[dict[str, Any], int]) -> Reduced:
        sums, left_out = state
        return Reduced(dict(sums), {"left_out": left_out} if left_out else None)


class FirstExtract:
    """The data of the first extract, whatever comes later."""

    def resume(self, options: Options, stored: Reduced) -> Any:
        return stored.data

    def add(self, options: Options, state: Any, group: Group) -> Any:
        return group.extracts[0].data if state is None else state

    def result(self, options: Options, state: Any) -> Reduced:
        return Reduced(state, None)


class UniqueCount:
    """How many distinct values a field has; extracts without it do not count."""

    def resume(self, options: Options, stored: Reduced) -> dict[Any, Any]:
        known = stored_object(stored.store).get("items")
        return {_identity(value): value for value in (known if isinstance(known, list) else [])}

    def add(self, options: Options, state: dict[Any, Any], group: Group) -> dict[Any, Any]:
        for extract in group.extracts:
            value = extract.data.get(options["field"]) if isinstance(extract.data, dict) else None
            if value is None:
                continue
            known = as_text(value) if isinstance(value, list) else value
            state.setdefault(_identity(known), known)
        return state

    def result(self, options: Options, state: dict[Any, Any]) -> Reduced:
        return Reduced(len(state), {"items": list(state.values())})


def _identity(value: Any) -> tuple[str, Any]:
    """What two values share when they are the same JSON: 1 and 1.0 are, 1 and true are not."""
    if is_number(value):
        return "number", value
    return type(value).__name__, as_text(value)


class Placeholder:
    """Never writes: its reductions are pushed in through the API."""

    def resume(self, options: Options, stored: Reduced) -> None:
        return None

    def add(self, options: Options, state: None, group: Group) -> None:
        return None

    def result(self, options: Options, state: None) -> Reduced:
        return NOTHING


class ReducerType(NamedTuple):
    """One row of the table of types; `is_pushed`: its reductions come from outside.

    One that works `elsewhere` is asked for them, by the workers of that name; `call` is what they
    call in the aggregation library. `title` and `about`
    are what people read. `topic` is the only one that it makes sense for, where that is so.
    `weighs` says by its options whether it needs reductions of the volunteers.
    """

    options: tuple[Option, ...]
    fold: Fold
    is_pushed: bool = False
    title: str = ""
    about: str = ""
    elsewhere: str = ""
    call: Callable[[Options], LibraryCall] | None = None
    topic: str | None = None
    weighs: Callable[[Options], bool] = lambda _: False


_IGNORE_EMPTY = Option(
    "ignore_empty_extracts",
    switch,
    default=False,
    kind="switch",
    label="Leave out empty extracts",
    help="Else an empty extract is a vote for the empty answer.",
    example="on",
)
_FIELD = Option(
    "field",
    text,
    required=True,
    kind="field",
    label="Field",
    help="Whose different values it counts. Extracts without it do not count.",
    example="user_id",
)

REDUCERS: dict[str, ReducerType] = {
    "stats": ReducerType(
        (), Stats(), title="Sums", about="How often each answer was given: it sums every field."
    ),
    "consensus": ReducerType(
        (_IGNORE_EMPTY,),
        Consensus(),
        title="Consensus",
        about="The answer that most people give, and how large their share is.",
    ),
    "votes": ReducerType(
        VOTES_OPTIONS,
        Votes(),
        title="Votes",
        about="How many different people give each answer, and how far the first one leads.",
        topic="reduce_by_subject",
        weighs=lambda options: options["weight_field"] is not None,
    ),
    "count": ReducerType(
        (), Count(), title="Count", about="How many classifications and extracts there are."
    ),
    "unique_count": ReducerType(
        (_FIELD,),
        UniqueCount(),
        title="Unique count",
        about="How many different values a field has, such as different volunteers.",
    ),
    "summary_stats": ReducerType(
        SUMMARY_OPTIONS,
        SummaryStats(),
        title="Statistics",
        about="Mean, median and more of the numbers in one field.",
    ),
    "first_extract": ReducerType(
        (), FirstExtract(), title="First extract", about="What the first classification says."
    ),
    "swap_skill": ReducerType(
        SKILL_OPTIONS,
        SwapSkill(),
        title="SWAP: a volunteer’s skill",
        about="How often a volunteer is right about subjects whose answer is known.",
        topic="reduce_by_user",
    ),
    "swap": ReducerType(
        SWAP_OPTIONS,
        Swap(),
        title="SWAP: a subject’s likelihood",
        about="How likely a subject is what you look for, by the skill of those who answered.",
        topic="reduce_by_subject",
        weighs=lambda _: True,
    ),
    "placeholder": ReducerType(
        (),
        Placeholder(),
        is_pushed=True,
        title="Placeholder",
        about="Nothing by itself: a program of yours pushes its reductions in.",
    ),
    "external": ReducerType(
        REDUCER_SERVICE,
        Placeholder(),
        is_pushed=True,
        title="External",
        about="What a service of yours makes of the extracts.",
        elsewhere="external",
    ),
    "sqs": ReducerType(
        QUEUE,
        Placeholder(),
        is_pushed=True,
        title="SQS",
        about="Each extract becomes a message of a queue of Amazon’s SQS.",
        elsewhere="external",
    ),
    "rectangle": ReducerType(
        RECTANGLE_OPTIONS,
        Placeholder(),
        is_pushed=True,
        title="Rectangles",
        about="Where people agree on rectangles, by the clusters of the aggregation library.",
        elsewhere=MEANS,
        call=rectangle_call,
    ),
    "aggregation": ReducerType(
        AGGREGATION_OF_REDUCERS,
        Placeholder(),
        is_pushed=True,
        title="Aggregation library",
        about="Any reducer of the Zooniverse’s aggregation library.",
        elsewhere=MEANS,
        call=chosen,
    ),
}


def read_reducer_options(
    type_name: str, config: Any, *, is_running: bool, place: str, problems: list[Problem]
) -> Options:
    """The options of a reducer's config; what is wrong is added to `problems`."""
    options = read_options(REDUCERS[type_name].options, config, place=place, problems=problems)
    if type_name == "aggregation" and options.get("name"):
        kind: Kind = "running_reducers" if is_running else "reducers"
        return with_parameters(kind, options, place=place, problems=problems)
    if type_name == "sqs" and not (options.get("queue_name") or options.get("queue_url")):
        problems.append(Problem(f"{place}.queue_name", "must be given, or queue_url"))
    return options
