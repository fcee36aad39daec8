"""What the forms of the aggregation library ask for: a name, and each parameter of that name."""

from collections.abc import Mapping
from dataclasses import replace

from caesar_web.domain.aggregation import Described, Kind, described, names
from caesar_web.domain.options import Option

NAME, PARAMETERS = "name", "parameters"
WRITTEN = ("text", "whole number", "number", "json")

Options = dict[str, Option]  # by their places in a document's entry: "parameters.eps"


def told_of(kind: Kind, name: str) -> Described | None:
    """What there is to say of a name; None of one that cannot be called, or while there is none."""
    return described(kind, name) if name in names(kind) else None


def with_fields(options: Mapping[str, Option], kind: Kind, told: Described | None) -> Options:
    """The options of a type of the library, with the parameters of a name in place of an object."""
    known = {name: name.replace("_", " ") for name in names(kind)}
    asked = {place: option for place, option in options.items() if place != PARAMETERS}
    asked[NAME] = replace(asked[NAME], choices={"": "choose", **known})
    for option in told.parameters if told else ():
        asked[f"{PARAMETERS}.{option.name}"] = _field(option)
    return asked


def is_parameter(place: str) -> bool:
    """Whether it is the place of a parameter of some name."""
    return place.startswith(f"{PARAMETERS}.")


def _field(option: Option) -> Option:
    """A parameter as a form asks for it: what is left empty is not given, whatever its default."""
    if option.kind == "switch":
        return option
    asked = replace(option, default=None)
    if option.kind in WRITTEN:
        return asked if option.default is None else _with_default(asked, option.default)
    own = {option.default: option.default} if option.kind == "task" and option.default else {}
    return replace(asked, choices={"": _empty(option), **own, **option.choices})


def _with_default(option: Option, default: object) -> Option:
    """The default does for an example where it is the same."""
    text = str(default)
    example = "" if option.example == text else option.example
    return replace(
        option, help=f"{option.help} Empty: as the library has it ({text}).", example=example
    )


def _empty(option: Option) -> str:
    if option.required:
        return "choose"
    return f"as the library has it ({option.default})" if option.default else "none"
