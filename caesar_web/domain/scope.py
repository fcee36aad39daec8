"""What a condition's lookups see: the reductions of one subject or user, and subject metadata."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from caesar_web.domain.grouping import DEFAULT_SUBGROUP

Reductions = Mapping[str, Mapping[str, Any]]  # reducer key -> subgroup -> data


class Scope(Protocol):
    """Finds values by key; None stands for absent, as in the data themselves."""

    def find(self, key: str) -> Any: ...

    def entries(self, reducer: str) -> Mapping[str, Any]: ...


class ReductionScope(NamedTuple):
    """The reductions of one target, with its subject's metadata where it is a subject."""

    reductions: Reductions
    subject_id: int | None = None
    metadata: Mapping[str, Any] | None = None

    def find(self, key: str) -> Any:
        reducer, dot, field = key.partition(".")
        if reducer == "subject" and dot:
            if field == "zooniverse_subject_id":
                return self.subject_id
            return _field(self.metadata, field)
        data, field = self._reduction(key)
        if field:
            return _field(data, field)
        return None if isinstance(data, Mapping) else data

    def entries(self, reducer: str) -> Mapping[str, Any]:
        data, field = self._reduction(reducer)
        found = _field(data, field) if field else data
        return found if isinstance(found, Mapping) else {}

    def _reduction(self, key: str) -> tuple[Any, str]:
        """The data that a key begins with (`reducer` or `reducer[subgroup]`), and the rest."""
        reducer, _, field = key.partition(".")
        opened = key.find("[")
        if reducer not in self.reductions and opened > 0:
            for closed in (at for at, character in enumerate(key) if character == "]"):
                rest = key[closed + 1 :]
                subgroups = self.reductions.get(key[:opened], {})
                subgroup = key[opened + 1 : closed]
                if (not rest or rest[0] == ".") and subgroup in subgroups:
                    return subgroups[subgroup], rest[1:]
        return self.reductions.get(reducer, {}).get(DEFAULT_SUBGROUP), field


class EntryScope(NamedTuple):
    """Inside any and all: one entry of a reduction, its key and its value, and nothing else."""

    key: str
    value: Any

    def find(self, key: str) -> Any:
        return {"key": self.key, "value": self.value}.get(key)

    def entries(self, reducer: str) -> Mapping[str, Any]:
        return {}


def _field(data: Any, field: str) -> Any:
    """The value of a field; further dots walk into nested data where the whole is not a key."""
    if not isinstance(data, Mapping):
        return None
    if field in data:
        return data[field]
    first, dot, rest = field.partition(".")
    return _field(data.get(first), rest) if dot else None
