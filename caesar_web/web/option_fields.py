"""Fields of forms for declared options: a control of the right kind, with help and an example."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from wtforms import (
    BooleanField,
    Field,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    widgets,
)
from wtforms.fields.choices import Choice, SelectChoice
from wtforms.utils import unset_value

from caesar_web.domain.options import Option, Unreadable, several

MOST_ROWS = 1000
UNSEEN = widgets.PasswordInput(hide_value=False)  # the mask is to come back
TYPED = {
    "text",
    "texts",
    "whole number",
    "number",
    "field",
    "extractor and field",
    "paths",
    "groups",
    "url",
    "json",
}

NUMBERS = ("whole number", "number")
READ = (*NUMBERS, "json")  # what is configured is not the text of the field
ROWS = ("paths", "groups")
SEVERAL = ("choices", "extractors", "reducers of users", "reducers of subjects")

Row = tuple[str, str]
Made = Callable[[Option, "Offered", dict[str, Any]], Any]


@dataclass(frozen=True)
class Offered:
    """What there is to choose from, each value with its words; what is empty can be typed."""

    tasks: Mapping[str, str] = field(default_factory=dict)
    survey_choices: Mapping[str, str] = field(default_factory=dict)
    extractors: Mapping[str, str] = field(default_factory=dict)
    reducers_of_users: Mapping[str, str] = field(default_factory=dict)
    reducers_of_subjects: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[str, ...] = ()


class ChoiceField(SelectField):  # type: ignore[misc]  # WTForms has no types
    """One of some choices, to which its value belongs also where it is not there any more.

    Whether it may be chosen is for the domain to say.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, validate_choice=False, **more)

    def iter_choices(self) -> Iterator[Choice]:
        choices = list(super().iter_choices())
        yield from choices
        yield from _absent([self.data] if self.data else [], choices)


class CheckboxesField(SelectMultipleField):  # type: ignore[misc]  # WTForms has no types
    """Some of some choices, each with a box of its own; as `ChoiceField`."""

    option_widget = widgets.CheckboxInput()

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, validate_choice=False, **more)

    def iter_choices(self) -> Iterator[Choice]:
        choices = list(super().iter_choices())
        yield from choices
        yield from _absent(self.data or [], choices)


class SuggestedField(StringField):  # type: ignore[misc]  # WTForms has no types
    """A text for which there are suggestions."""

    def __init__(self, *args: Any, suggestions: Iterable[str] = (), **more: Any) -> None:
        super().__init__(*args, **more)
        self.suggestions = tuple(suggestions)


class RowsField(Field):  # type: ignore[misc]  # WTForms has no types
    """Names, each with a `second` thing; one row at least is there to be filled in."""

    def __init__(self, *args: Any, second: str = "a path", **more: Any) -> None:
        super().__init__(*args, **more)
        self.second = second

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        super().process(None, data, extra_filters)
        if formdata:
            names, paths = (formdata.getlist(f"{self.name}-{part}") for part in ("name", "path"))
            self.data = list(zip(names, paths, strict=False))[:MOST_ROWS]
        self.data = list(self.data or [("", "")])

    def add_row(self) -> None:
        """One more to be filled in."""
        self.data = [*self.data, ("", "")][:MOST_ROWS]

    @property
    def filled(self) -> list[Row]:
        """The rows in which there is something."""
        return _filled(self.data)


def field_for(option: Option, offered: Offered) -> Any:
    """The field, still unbound, with which a form asks for an option."""
    said = {"label": option.label, "description": _described(option)}
    return _MADE[option.kind](option, offered, said)


def shown(option: Option, value: Any) -> Any:
    """A value as it is configured, as its field holds it."""
    value = option.default if value is None else value
    if option.kind in ROWS:
        rows = value.items() if isinstance(value, Mapping) else ()
        return [(name, with_commas(one)) for name, one in rows] or None
    if option.kind == "texts":
        return with_commas(value or ())
    if option.kind in SEVERAL:
        return [value] if isinstance(value, str) else list(value or ())
    if option.kind == "switch":
        return option.read(value)
    if option.kind == "json" and value is not None:
        return as_json(value)
    is_number = option.kind in NUMBERS and value is not None
    return str(value) if is_number else value


def given(option: Option, value: Any) -> Any:
    """What a field holds, as it is to be configured; None where there is nothing.

    What cannot be read stays as it was typed, for the domain to refuse.
    """
    if option.kind == "paths":
        return dict(_filled(value or ())) or None
    if option.kind == "groups":
        return {name: list(several(texts)) for name, texts in _filled(value or ())} or None
    if isinstance(value, str):
        value = value.strip()
    if option.kind == "texts":
        return list(several(value or "")) or None
    if option.kind in READ and value:
        try:
            return option.read(value)
        except Unreadable:
            return value
    return value or None


def with_commas(texts: str | Iterable[object]) -> str:
    """Texts, or ids, as one."""
    return texts if isinstance(texts, str) else ", ".join(map(str, texts))


def as_json(value: Any) -> str:
    """A text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def selectable(choices: Mapping[str, str]) -> list[SelectChoice]:
    """Choices as fields have them."""
    return [SelectChoice(value, words) for value, words in choices.items()]


def _filled(rows: Iterable[Row]) -> list[Row]:
    stripped = [(name.strip(), path.strip()) for name, path in rows]
    return [row for row in stripped if any(row)]


def _described(option: Option) -> str:
    if option.kind not in TYPED or not option.example:
        return option.help
    return f"{option.help} For example: {option.example}"


def _absent(values: Iterable[str], choices: Iterable[Choice]) -> Iterator[Choice]:
    known = {choice.value for choice in choices}
    for value in values:
        if value not in known:
            yield Choice(value, f"{value} (not there)", True, {})


def _text(option: Option, offered: Offered, said: dict[str, Any]) -> Any:
    return StringField(**said)


def _choice(option: Option, offered: Offered, said: dict[str, Any]) -> Any:
    return ChoiceField(choices=selectable(option.choices), **said)


def _boxes(choices: Mapping[str, str], said: dict[str, Any]) -> Any:
    return CheckboxesField(choices=selectable(choices), **said)


def _one_of(
    choices: Mapping[str, str], said: dict[str, Any], example: str, *, besides: Mapping[str, str]
) -> Any:
    """A choice where there is one, with some `besides`; else a text."""
    if not choices:
        description = f"{said['description']} For example: {example}"
        return StringField(**said | {"description": description})
    return ChoiceField(choices=selectable({**besides, **choices}), **said)


def _suggested(option: Option, offered: Offered, said: dict[str, Any]) -> Any:
    names = dict.fromkeys(
        each.partition(".")[2] if option.kind == "field" else each for each in offered.fields
    )
    return SuggestedField(suggestions=names, **said)


_MADE: dict[str, Made] = {
    "text": _text,
    "texts": _text,
    "whole number": _text,
    "number": _text,
    "url": _text,
    "secret": lambda option, offered, said: StringField(
        widget=UNSEEN, render_kw={"autocomplete": "new-password"}, **said
    ),
    "json": lambda option, offered, said: TextAreaField(**said),
    "switch": lambda option, offered, said: BooleanField(**said),
    "choice": _choice,
    "choices": lambda option, offered, said: _boxes(option.choices, said),
    "task": lambda option, offered, said: _one_of(
        offered.tasks, said, option.example, besides=option.choices
    ),
    "survey choice": lambda option, offered, said: _one_of(
        offered.survey_choices, said, option.example, besides={"": "none"}
    ),
    "extractors": lambda option, offered, said: _boxes(offered.extractors, said),
    "reducers of users": lambda option, offered, said: _boxes(offered.reducers_of_users, said),
    "reducers of subjects": lambda option, offered, said: _boxes(
        offered.reducers_of_subjects, said
    ),
    "field": _suggested,
    "extractor and field": _suggested,
    "paths": lambda option, offered, said: RowsField(**said),
    "groups": lambda option, offered, said: RowsField(second="some answers", **said),
}
