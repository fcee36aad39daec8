"""What services get and give: extracts that are let through, an answer's data and store."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from caesar_web.domain.classification import Extract, Group
from caesar_web.domain.extractors import Extractor
from caesar_web.domain.folds import NOTHING, Options, Reduced
from caesar_web.domain.hosts import host_of
from caesar_web.domain.series import Reducer


class Collect:
    """A fold that only collects: its data is the list of the extracts that are let through."""

    def resume(self, options: Options, stored: Reduced) -> list[Extract]:
        return []

    def add(self, options: Options, state: list[Extract], group: Group) -> list[Extract]:
        state.extend(group.extracts)
        return state

    def result(self, options: Options, state: list[Extract]) -> Reduced:
        return Reduced(state, None)


def collecting(reducer: Reducer) -> Reducer:
    """The reducer with its grouping and filters, which only collects what it would be sent."""
    return replace(reducer, type=reducer.type._replace(fold=Collect(), is_pushed=False))


def is_called(part: Extractor | Reducer) -> bool:
    """Whether somebody elsewhere is asked for what it makes; without an address nobody is."""
    return bool(part.type.elsewhere) and (
        part.type.elsewhere != "external" or bool(service_of(part))
    )


def service_of(part: Extractor | Reducer) -> str:
    """Which service it uses, as lights name it: a host, a queue of SQS, or none."""
    if queue := queue_of(part):
        return f"sqs:{queue_name(queue)}"
    return host_of(part.options.get("url") or "")


def queue_of(part: Extractor | Reducer) -> str:
    """The address or the name of the queue of SQS that it uses, if any."""
    return part.options.get("queue_url") or part.options.get("queue_name") or ""


def queue_name(queue: str) -> str:
    """What a queue of SQS is called, by its address or its name."""
    return queue.rpartition("/")[2]


def reduced(answer: Any, *, stored: Reduced) -> Reduced:
    """The reduction in an answer: data, {"data", "store"}, or data with `_store` inside.

    Without a store in it, the `stored` one stays; None is no data.
    """
    if not isinstance(answer, Mapping):
        return NOTHING if answer is None else Reduced(answer, stored.store)
    if answer.keys() == {"data", "store"}:
        return Reduced(answer["data"], answer["store"])
    data = {name: value for name, value in answer.items() if name != "_store"}
    return Reduced(data, answer.get("_store", stored.store))
