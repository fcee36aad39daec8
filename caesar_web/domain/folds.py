"""Reducers are folds: a start, one classification at a time, a result.

A fold's state is what `resume` makes of stored data and store; `add` may use up the state that it
is given; `result` gives data and store, from which `resume` can go on. So default mode (start from
nothing), running mode (start from what is stored) and checking rules after every classification
are one piece of code.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from caesar_web.domain.classification import Group

Options = Mapping[str, Any]


class Reduced(NamedTuple):
    """What a reduction holds: data for people and rules, and the store that running mode needs."""

    data: Any
    store: Any

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write: null, {} and "" are empty, 0 is not."""
        return self.data is None or self.data in ({}, "")


NOTHING = Reduced(None, None)


class Fold(Protocol):
    """How a type of reducer reduces. Stored values of an unexpected shape count as absent."""

    def resume(self, options: Options, stored: Reduced, /) -> Any: ...

    def add(self, options: Options, state: Any, group: Group, /) -> Any: ...

    def result(self, options: Options, state: Any, /) -> Reduced: ...


def stored_object(value: object) -> dict[str, Any]:
    """A stored object, or an empty one where something else is stored."""
    return dict(value) if isinstance(value, dict) else {}


def stored_pairs(value: object) -> list[tuple[Any, int]]:
    """A stored list of [value, count] pairs, without whatever is not one."""
    pairs = value if isinstance(value, list) else []
    return [
        (pair[0], pair[1])
        for pair in pairs
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[1], int)
    ]
