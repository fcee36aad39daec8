"""The forms of each type of extractors and reducers, made of the options that it declares."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wtforms import StringField

from caesar_web.domain.extractor_options import MINIMUM_VERSION
from caesar_web.domain.extractors import EXTRACTORS
from caesar_web.domain.filters import FILTER_OPTIONS
from caesar_web.domain.grouping import GROUPING_OPTIONS
from caesar_web.domain.options import Option
from caesar_web.domain.reducer_options import COMMON_OPTIONS
from caesar_web.domain.reducers import REDUCERS
from caesar_web.web.option_fields import ChoiceField, Offered, field_for, selectable, shown
from caesar_web.web.part_forms import (
    BY_USER,
    NOT_IN_RUNNING,
    RUNNING,
    Options,
    PartForm,
    Samples,
    flat,
)


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
    held = dict(flat(entry))
    return {place: shown(option, held.get(place)) for place, option in form.options.items()}


def _in_running(option: Option) -> Option | None:
    """A filter in running mode, which knows no order."""
    if f"filters.{option.name}" in NOT_IN_RUNNING:
        return None
    choices = {value: words for value, words in option.choices.items() if value != "keep_last"}
    return replace(option, choices=choices)


def _form(type_name: str, options: Options, offered: Offered, samples: Samples) -> type[PartForm]:
    fields = {place: field_for(option, offered) for place, option in options.items()}
    choices = {"": "choose", **samples.latest}
    fields["latest"] = ChoiceField(f"One of the latest {samples.one}s", choices=selectable(choices))
    fields["sample"] = StringField(f"Or another {samples.one}, by its id")
    return type("PartForm", (PartForm,), {"type_name": type_name, "options": options, **fields})
