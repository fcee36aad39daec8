"""What is certain of a condition without any data: its value, or that it has none."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from caesar_web.domain.conditions import Node
from caesar_web.domain.evaluation import EvaluationError, evaluate


class Certain(NamedTuple):
    """The value that a condition has whatever the data, or the error that it always is."""

    value: Any = None
    error: str | None = None


class _DependsOnData(Exception):
    """Raised where a condition asks for data."""


class _NoScope:
    def find(self, key: str) -> Any:
        raise _DependsOnData

    def entries(self, reducer: str) -> Mapping[str, Any]:
        raise _DependsOnData


def certain(node: Node) -> Certain | None:
    """What holds whatever the data; None where that depends on them."""
    try:
        return Certain(evaluate(node, _NoScope()))
    except EvaluationError as problem:
        return Certain(error=str(problem))
    except _DependsOnData:
        return None
