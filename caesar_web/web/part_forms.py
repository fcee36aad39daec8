"""Forms of extractors and reducers: their fields, what was given, and what is wrong with it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, TypeVar

from flask import request
from wtforms import BooleanField, HiddenField, StringField

from caesar_web.domain.aggregation import Described
from caesar_web.domain.effects import panoptes_id
from caesar_web.domain.options import Option, Unreadable
from caesar_web.domain.reducer_options import COMMON_OPTIONS
from caesar_web.domain.values import InvalidConfiguration, Problem
from caesar_web.web.forms import PageForm
from caesar_web.web.library_fields import NAME, PARAMETERS, Options, is_parameter
from caesar_web.web.option_fields import ROWS, SEVERAL, RowsField, given, shown

BY_USER, RUNNING = "reduce_by_user", "running_reduction"
COMBINED = ("topic", "reduction_mode")
CARRIED = ("user_reducer_keys", "subject_reducer_keys")
SECTIONS = {
    "library": ("What it calls", ""),
    "parameters": ("Its parameters", ""),
    "": ("What it reads", ""),
    "combined": ("How it combines", ""),
    **{one.name: (one.label, one.help) for one in COMMON_OPTIONS if one.kind == "object"},
    "carried": ("What extracts have beside them", ""),
}
NOT_IN_RUNNING = ("filters.from", "filters.to")
NOTHING: Mapping[str, Any] = MappingProxyType({})
UNNAMED = "new"  # the key of what is tried before it has one

Entry = Mapping[str, Any]
Read = TypeVar("Read")


class Section(NamedTuple):
    """Fields that stand together."""

    name: str
    legend: str
    help: str
    fields: list[Any]


@dataclass(frozen=True)
class Samples:
    """What a part can be tried on: the latest, each with its words."""

    one: str
    latest: Mapping[str, str] = field(default_factory=dict)


class PartForm(PageForm):
    """The form of one type; `expected` is the fingerprint of what it was made from.

    `shown_for` says for which topic, mode and name of the library its fields are; `told` is what
    the library says of that name.
    """

    type_name: ClassVar[str]
    options: ClassVar[Options]
    told: ClassVar[Described | None]
    latest: Any
    sample: Any

    expected = HiddenField()
    shown_for = HiddenField()
    key = StringField(
        "Key",
        description="Its name in rules and in the data, without spaces, dots, slashes and brackets."
        " For example: T0",
    )
    rename = BooleanField(
        "If the key changes, change it also in the rules and reducers that use it", default=True
    )

    @property
    def sections(self) -> list[Section]:
        """The fields of the options, as they stand together."""
        fields: dict[str, list[Any]] = {name: [] for name in SECTIONS}
        for place in self.options:
            asked = self[place]
            is_of_none = place in CARRIED and not (list(asked) or asked.errors)
            if not is_of_none:
                fields[_section_of(place)].append(asked)
        return [Section(name, *SECTIONS[name], found) for name, found in fields.items() if found]

    @property
    def set_aside(self) -> list[tuple[str, str]]:
        """Parameters that were sent and that this name does not have, for whoever goes back."""
        return [one for one in request.form.items() if is_parameter(one[0]) and one[0] not in self]

    def entry(self, kept: Entry = NOTHING) -> dict[str, Any]:
        """What was given, as a document has it; what is as by default is not said.

        What was not touched, or not asked, is to the letter as it is kept.
        """
        before = dict(flat(kept))
        after = {place: value for place, value in before.items() if self._stays(place, before)}
        for place, option in self.options.items():
            value = given(option, self[place].data)
            if kept and _same(option, value, given(option, shown(option, before.get(place)))):
                after |= {place: before[place]} if place in before else {}
            elif value is not None and (value != option.default or option.kind == "task"):
                after[place] = value
        return {"type": self.type_name, **_nested(after)}

    def _stays(self, place: str, before: Entry) -> bool:
        """Whether what is not asked stays: it does unless it makes no sense any more."""
        if place in self.options or is_parameter(place):
            return False
        if place in CARRIED:
            return bool(self.topic.data == before.get("topic"))
        return not (place in NOT_IN_RUNNING and "reduction_mode" in self)

    def is_for(self, topic: str = "", mode: str = "", name: str = "") -> bool:
        """Whether what was sent was filled in for these fields, for which the form is now."""
        shown_for = f"for {topic} {mode} {name}"
        is_other = self.is_submitted() and self.shown_for.data not in (None, "", shown_for)
        self.shown_for.data = shown_for
        return not is_other

    def shows_again(self) -> bool:
        """Whether only the form was asked for: with the fields for what is chosen, or more rows."""
        return "update" in request.form or self._adds_row()

    def _adds_row(self) -> bool:
        rows = [one for one in self if isinstance(one, RowsField)]
        if "more" not in request.form or not rows:
            return False
        for one in rows:
            one.add_row()
        return True

    def read(
        self,
        reader: Callable[[str, Any], Read],
        *,
        kept: Entry = NOTHING,
        is_trying: bool = False,
    ) -> Read | None:
        """What was given, if it can be used; else the fields say what is wrong."""
        self.validate()
        key = (self.key.data or "").strip()
        if not (key or is_trying):
            self.key.errors = ["Give a key."]
        for place, option in self.options.items():
            if option.kind in ROWS:
                _check_rows(self[place])
        try:
            row = reader(key or UNNAMED, self.entry(kept))
        except InvalidConfiguration as refusal:
            self.tell(refusal)
        return None if self.errors else row

    def tell(self, refusal: InvalidConfiguration) -> None:
        """Says what is wrong at the fields where it stands."""
        for problem in refusal.problems:
            told = self[self._name_of(problem.place)]
            told.errors = [*told.errors, _sentence(told.label.text, problem)]

    def sample_id(self) -> int | None:
        """What to try it on; None where the form says that this is no id."""
        typed = (self.sample.data or "").strip() or (self.latest.data or "")
        try:
            return panoptes_id(typed)
        except Unreadable as problem:
            self.sample.errors = [f"This {problem}." if typed else "Choose one, or give its id."]
            return None

    def _name_of(self, place: str) -> str:
        while place and place not in self:
            place = NAME if place == PARAMETERS else place.rpartition(".")[0]
        return place or "key"


def flat(entry: Entry) -> Iterator[tuple[str, Any]]:
    """What a document's entry has, by the places of its options: "filters.from"."""
    for name, value in entry.items():
        is_told = name == PARAMETERS and value and isinstance(value, Mapping)
        if name in ("filters", "grouping") or is_told:
            yield from ((f"{name}.{inner}", one) for inner, one in (value or {}).items())
        elif name != "type":
            yield name, value


def _nested(flat: Entry) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    for place, value in flat.items():
        group, _, name = place.partition(".")
        entry[group] = {**(entry.get(group) or {}), name: value} if name else value
    return entry


def _same(option: Option, one: Any, other: Any) -> bool:
    """Whether fields say the same; boxes have an order of their own."""
    if option.kind in SEVERAL:
        return set(one or ()) == set(other or ())
    return bool(one == other)


def _section_of(place: str) -> str:
    if place == NAME:
        return "library"
    if place in COMBINED:
        return "combined"
    return "carried" if place in CARRIED else place.rpartition(".")[0]


def _check_rows(rows: RowsField) -> None:
    names = [name for name, _ in rows.filled]
    if not all(name and path for name, path in rows.filled):
        rows.errors = [f"Give each row both a name and {rows.second}."]
    elif len(set(names)) < len(names):
        rows.errors = ["Give each row a name of its own."]


def _sentence(label: str, problem: Problem) -> str:
    message = problem.message
    if message.startswith(("must ", "is ")):
        return f"{label} {message}."
    return f"{message[:1].upper()}{message[1:]}."
