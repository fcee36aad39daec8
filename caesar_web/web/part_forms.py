"""Forms of extractors and reducers, made of the options that their types declare."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, TypeVar

from flask import request
from wtforms import BooleanField, HiddenField, StringField

from caesar_web.domain.effects import panoptes_id
from caesar_web.domain.extractor_options import MINIMUM_VERSION
from caesar_web.domain.extractors import EXTRACTORS
from caesar_web.domain.filters import FILTER_OPTIONS
from caesar_web.domain.grouping import GROUPING_OPTIONS
from caesar_web.domain.options import Option, Unreadable
from caesar_web.domain.reducer_options import COMMON_OPTIONS
from caesar_web.domain.reducers import REDUCERS
from caesar_web.domain.values import InvalidConfiguration, Problem
from caesar_web.web.forms import PageForm
from caesar_web.web.option_fields import (
    ROWS,
    ChoiceField,
    Offered,
    RowsField,
    field_for,
    given,
    selectable,
    shown,
)

BY_USER, RUNNING = "reduce_by_user", "running_reduction"
COMBINED = ("topic", "reduction_mode")
CARRIED = ("user_reducer_keys", "subject_reducer_keys")
SECTIONS = {
    "": ("What it reads", ""),
    "combined": ("How it combines", ""),
    **{one.name: (one.label, one.help) for one in COMMON_OPTIONS if one.kind == "object"},
    "carried": ("What extracts have beside them", ""),
}
NOT_IN_RUNNING = ("filters.from", "filters.to")
NOTHING: Mapping[str, Any] = MappingProxyType({})
UNNAMED = "new"  # the key of what is tried before it has one

Options = dict[str, Option]  # by their places in a document's entry: "filters.from"
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

    `shown_for` says for which topic and mode its fields are.
    """

    type_name: ClassVar[str]
    options: ClassVar[Options]
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

    def entry(self, kept: Entry = NOTHING) -> dict[str, Any]:
        """What was given, as a document has it; what is as by default is not said.

        What was not touched, or not asked, is to the letter as it is kept.
        """
        before = dict(_flat(kept))
        flat = {place: value for place, value in before.items() if self._stays(place, before)}
        for place, option in self.options.items():
            value = given(option, self[place].data)
            if kept and _same(value, given(option, shown(option, before.get(place)))):
                flat |= {place: before[place]} if place in before else {}
            elif value is not None and (value != option.default or option.kind == "task"):
                flat[place] = value
        return {"type": self.type_name, **_nested(flat)}

    def _stays(self, place: str, before: Entry) -> bool:
        """Whether what is not asked stays: it does unless it makes no sense any more."""
        if place in self.options:
            return False
        if place in CARRIED:
            return bool(self.topic.data == before.get("topic"))
        return not (place in NOT_IN_RUNNING and "reduction_mode" in self)

    def adds_row(self) -> bool:
        """Whether one more row was asked for, which there is then."""
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
            place = place.rpartition(".")[0]
        return place or "key"


def extractor_form(type_name: str, offered: Offered, samples: Samples) -> type[PartForm]:
    """The form of extractors of one type."""
    options = (*EXTRACTORS[type_name].options, MINIMUM_VERSION)
    return _form(type_name, {option.name: option for option in options}, offered, samples)


def reducer_form(
    type_name: str, offered: Offered, samples: Samples, *, topic: str, mode: str
) -> type[PartForm]:
    """The form of reducers of one type; what makes no sense for their topic or mode is not in it.

    What is pushed in from outside is not reduced here.
    """
    kind = REDUCERS[type_name]
    common = {option.name: option for option in COMMON_OPTIONS if option.kind != "object"}
    common.pop("user_reducer_keys" if topic == BY_USER else "subject_reducer_keys")
    if kind.topic:
        only = {kind.topic: common["topic"].choices[kind.topic]}
        common["topic"] = replace(common["topic"], default=kind.topic, choices=only)
    options = {option.name: option for option in kind.options}
    if kind.is_pushed and not kind.elsewhere:
        return _form(type_name, {**options, "topic": common["topic"]}, offered, samples)
    filters = (_in_running(option) for option in FILTER_OPTIONS) if mode == RUNNING else None
    options |= common
    options |= {f"filters.{one.name}": one for one in filters or FILTER_OPTIONS if one}
    options |= {f"grouping.{one.name}": one for one in GROUPING_OPTIONS}
    return _form(type_name, options, offered, samples)


def values_of(form: type[PartForm], entry: Mapping[str, Any]) -> dict[str, Any]:
    """What a document's entry has, by the fields of a form."""
    flat = dict(_flat(entry))
    return {place: shown(option, flat.get(place)) for place, option in form.options.items()}


def _in_running(option: Option) -> Option | None:
    """A filter in running mode, which knows no order."""
    if f"filters.{option.name}" in NOT_IN_RUNNING:
        return None
    choices = {value: words for value, words in option.choices.items() if value != "keep_last"}
    return replace(option, choices=choices)


def _flat(entry: Entry) -> Iterator[tuple[str, Any]]:
    for name, value in entry.items():
        if name in ("filters", "grouping"):
            yield from ((f"{name}.{inner}", one) for inner, one in (value or {}).items())
        elif name != "type":
            yield name, value


def _nested(flat: Entry) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    for place, value in flat.items():
        group, _, name = place.rpartition(".")
        (entry.setdefault(group, {}) if group else entry)[name] = value
    return entry


def _same(one: Any, other: Any) -> bool:
    """Whether fields say the same; boxes have an order of their own."""
    if isinstance(one, list) and isinstance(other, list):
        return set(one) == set(other)
    return bool(one == other)


def _form(type_name: str, options: Options, offered: Offered, samples: Samples) -> type[PartForm]:
    fields = {place: field_for(option, offered) for place, option in options.items()}
    choices = {"": "choose", **samples.latest}
    fields["latest"] = ChoiceField(f"One of the latest {samples.one}s", choices=selectable(choices))
    fields["sample"] = StringField(f"Or another {samples.one}, by its id")
    return type("PartForm", (PartForm,), {"type_name": type_name, "options": options, **fields})


def _section_of(place: str) -> str:
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
