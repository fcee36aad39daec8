"""A recipe: a kind of rule, and the configuration that it makes of a few answers."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from caesar_web.domain.options import read_options
from caesar_web.domain.recipe_parameters import Parameter
from caesar_web.domain.recipe_parts import NOT_TRAINING, Parts, Values
from caesar_web.domain.values import InvalidConfiguration, Problem


@dataclass(frozen=True)
class Recipe:
    """A kind of rule: what it is for, what it asks for, and what it makes of the answers."""

    key: str
    title: str
    explanation: str
    compose: Callable[[Values], Parts]
    parameters: Sequence[Parameter]

    def build(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What is to be added to a configuration, as members of a document.

        Raises InvalidConfiguration, whose places are the names of parameters.
        """
        read = self.read(values)
        condition, reducers = self.compose(read)
        if read.get("skip_training"):
            condition = ["and", NOT_TRAINING, condition]
        members = {
            "extractors_config": _extractors(reducers, read),
            "reducers_config": reducers,
            self.rules_member: [{"if": condition, "then": [_effect(read)]}],
        }
        # A copy, as recipes share their parts.
        return {name: deepcopy(member) for name, member in members.items() if member}

    @property
    def is_for_users(self) -> bool:
        """Whether the rule is about volunteers."""
        return not {"workflow_id", "chance"}.isdisjoint(one.name for one in self.parameters)

    @property
    def rules_member(self) -> str:
        """The member of a document that has such rules."""
        return "user_rules_config" if self.is_for_users else "rules_config"

    def read(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values of all parameters. Raises InvalidConfiguration as `build`."""
        problems: list[Problem] = []
        options = [parameter.option for parameter in self.parameters]
        read = read_options(options, values, place="", problems=problems)
        if problems:
            named = [Problem(one.place.removeprefix("."), one.message) for one in problems]
            raise InvalidConfiguration(named)
        return read


def _effect(values: Values) -> dict[str, Any]:
    if "workflow_id" in values:
        return {"action": "promote_user", "workflow_id": values["workflow_id"]}
    if "chance" in values:
        chance = {"subject_set_id": values["subject_set_id"], "chance": values["chance"]}
        return {"action": "set_subject_set_chances", **chance}
    if values["subject_set_id"] is not None:
        return {"action": "add_subject_to_set", "subject_set_id": values["subject_set_id"]}
    return {"action": "retire_subject", "reason": values["reason"]}


def _extractors(reducers: Mapping[str, Any], values: Values) -> dict[str, Any]:
    """Those that the reducers look at."""
    used = {
        key for one in reducers.values() for key in one.get("filters", {}).get("extractor_keys", [])
    }
    return {key: make(values) for key, make in _EXTRACTORS.items() if key in used}


def _answers(values: Values) -> dict[str, Any]:
    """Whoever is not asked gives no extract, or an empty one."""
    if_missing = "ignore" if values["task_type"] == "survey" else "reject"
    task = {"type": values["task_type"], "task_key": values["task_key"]}
    return {**task, "if_missing": if_missing}


_EXTRACTORS: dict[str, Callable[[Values], dict[str, Any]]] = {
    "answers": _answers,
    "blank": lambda values: {"type": "blank", "task_key": values["task_key"]},
    "who": lambda _: {"type": "who"},
    "gold": lambda values: {"type": "gold", "field": values["gold_field"]},
}
