"""The forms of each type of extractors and reducers, made of the options that it declares."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wtforms import StringField

from caesar_web.domain.aggregation import Kind
from caesar_web.domain.extractor_options import MINIMUM_VERSION
from caesar_web.domain.extractors import EXTRACTORS
from caesar_web.domain.filters import FILTER_OPTIONS
from caesar_web.domain.grouping import GROUPING_OPTIONS
from caesar_web.domain.options import Option
from caesar_web.domain.reducer_options import COMMON_OPTIONS
from caesar_web.domain.reducers import REDUCERS
from caesar_web.web.library_fields import PARAMETERS, Options, told_of, with_fields
from caesar_web.web.option_fields import ChoiceField, Offered, field_for, selectable, shown
from caesar_web.web.part_forms import BY_USER, NOT_IN_RUNNING, RUNNING, PartForm, Samples, flat

Called = tuple[Kind, str]  # a name of the library, and of what kind it is


def extractor_form(
    type_name: str, offered: Offered, samples: Samples, *, name: str = ""
) -> type[PartForm]:
    """The form of extractors of one type, and of a name of the library where that is the type."""
    options = (*EXTRACTORS[type_name].options, MINIMUM_VERSION)
    by_place = {option.name: option for option in options}
    return _form(type_name, by_place, offered, samples, called=("extractors", name))


def reducer_form(
    type_name: str, offered: Offered, samples: Samples, *, topic: str, mode: str, name: str = ""
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
    in_library: Kind = "running_reducers" if mode == RUNNING else "reducers"
    return _form(type_name, options, offered, samples, called=(in_library, name))


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


def _form(
    type_name: str,
    options: Options,
    offered: Offered,
    samples: Samples,
    *,
    called: Called | None = None,
) -> type[PartForm]:
    told = None
    if called and PARAMETERS in options:
        told = told_of(*called)
        options = with_fields(options, called[0], told)
    fields = {place: field_for(option, offered) for place, option in options.items()}
    choices = {"": "choose", **samples.latest}
    fields["latest"] = ChoiceField(f"One of the latest {samples.one}s", choices=selectable(choices))
    fields["sample"] = StringField(f"Or another {samples.one}, by its id")
    own = {"type_name": type_name, "options": options, "told": told}
    return type("PartForm", (PartForm,), own | fields)
