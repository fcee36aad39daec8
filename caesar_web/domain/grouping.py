"""Grouping: which subgroup of a reduction a classification belongs to."""

from dataclasses import dataclass
from typing import Any

from caesar_web.domain.classification import Group
from caesar_web.domain.options import Option, Unreadable, choice, read_options, text
from caesar_web.domain.values import DomainError, Problem, as_text

DEFAULT_SUBGROUP = "_default"


class GroupingFailed(DomainError):
    """A classification lacks the field that names its subgroup, where that is an error."""


@dataclass(frozen=True)
class Grouping:
    """The field that names a subgroup; without one there is the single subgroup `_default`."""

    extractor_key: str | None = None
    field: str = ""
    strict: bool = False

    @property
    def is_used(self) -> bool:
        """Whether there can be other subgroups than `_default`."""
        return self.extractor_key is not None

    def subgroup(self, group: Group) -> str | None:
        """The subgroup of a classification; None: it is dropped. Raises GroupingFailed."""
        if self.extractor_key is None:
            return DEFAULT_SUBGROUP
        for extract in group.extracts:
            if extract.extractor_key == self.extractor_key and isinstance(extract.data, dict):
                value = extract.data.get(self.field)
                if value is not None:
                    return as_text(value)
        if self.strict:
            field = f"{self.extractor_key}.{self.field}"
            raise GroupingFailed(f"classification {group.classification_id} has no {field}")
        return None


def read_grouping(config: Any, *, place: str, problems: list[Problem]) -> Grouping:
    """The grouping of a reducer's configuration; what is wrong is added to `problems`."""
    if not config:
        return Grouping()
    values = read_options(GROUPING_OPTIONS, config, place=place, problems=problems)
    if not values.get("field_name"):
        return Grouping()
    extractor_key, _, field = values["field_name"].partition(".")
    return Grouping(extractor_key, field, values["if_missing"] == "error")


def _field_name(value: Any) -> str:
    extractor_key, _, field = text(value).partition(".")
    if not extractor_key or not field:
        raise Unreadable("must name an extractor and a field: extractor_key.field")
    return str(value)


_IF_MISSING = {"ignore": "the classification is left out", "error": "it is an error"}
GROUPING_OPTIONS = (
    Option(
        "field_name",
        _field_name,
        required=True,
        kind="extractor and field",
        label="Divide by",
        help="The field of an extract that names a classification’s subgroup. Empty: there is one"
        " reduction for all.",
        example="session.day",
    ),
    Option(
        "if_missing",
        choice(*_IF_MISSING),
        default="ignore",
        kind="choice",
        label="Without this field",
        help="What becomes of a classification that lacks the field.",
        example="ignore",
        choices=_IF_MISSING,
    ),
)
