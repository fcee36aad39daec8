"""The form of a recipe: a control for each parameter, and what was given as the recipe reads it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Form, StringField, TextAreaField
from wtforms.fields.choices import Choice, SelectChoice

from caesar_web.access.choices import Choices
from caesar_web.domain.recipe import Recipe
from caesar_web.domain.recipe_parameters import Parameter
from caesar_web.domain.tasks import Task
from caesar_web.domain.values import InvalidConfiguration, Problem
from caesar_web.web.option_fields import CheckboxesField, ChoiceField

ANSWERED = ("single", "multiple", "dropdown", "survey")
LEFT_EMPTY = ("drawing", "text")
ANSWERS = ("answer", "other_answer", "answers")
FIRST_ASKED = ("task_key", "task_type", "answer", "answers", "people", "first", "other_answer")
OTHER = "-other"  # ends the name of the field for an id that is not among the choices

Given = MultiDict[str, str]
Pointed = Mapping[str, Choices]  # by the parameters that they are for
Fields = dict[str, Any]


class AnswerField(ChoiceField):
    """An answer among those of all tasks."""

    def iter_groups(self) -> Iterator[tuple[str | None, list[Choice]]]:
        yield from super().iter_groups()
        yield None, list(self.iter_choices())[len(self.choices) :]  # what is not there


class RecipeForm(Form):  # type: ignore[misc]  # WTForms has no types
    """A search, not a change: it goes into the address."""

    recipe: ClassVar[Recipe]
    tasks: ClassVar[Sequence[Task]]

    def values(self) -> dict[str, Any]:
        """What the recipe is built with. Raises InvalidConfiguration at the names of fields."""
        values = {one.name: self._value(one) for one in self.recipe.parameters if one.name in self}
        if not self.tasks or "task_key" not in self:
            return values
        asked = next((task for task in self.tasks if task.key == values["task_key"]), None)
        if asked and self.asks_for_answers:
            values["task_type"] = "survey" if asked.kind == "survey" else "question"
        for name in ANSWERS:
            if name in self:
                values[name] = self._answers(name, values["task_key"])
        return values

    @property
    def asks_for_answers(self) -> bool:
        return _has(self.recipe, "task_type")

    def tell(self, problems: Iterable[Problem]) -> None:
        """Says what is wrong at the fields where it stands."""
        for problem in problems:
            told = self[problem.place if problem.place in self else self.recipe.parameters[0].name]
            told.errors = [*told.errors, f"{told.label.text}: {problem.message}."]

    def _value(self, parameter: Parameter) -> Any:
        other = self[parameter.name + OTHER].data if parameter.name + OTHER in self else ""
        value = (other or "").strip() or self[parameter.name].data
        return value.strip() if isinstance(value, str) else value

    def _answers(self, name: str, task_key: str) -> Any:
        """The values of the answers that are chosen, which must be the task's own."""
        data = self[name].data
        read = [
            _split(one, self.tasks) for one in ([data] if isinstance(data, str) else data or [])
        ]
        for key, _ in read:
            if key not in (None, task_key):
                message = f"this is an answer to {key}, and the task is {task_key}"
                raise InvalidConfiguration([Problem(name, message)])
        values = [value for _, value in read]
        return values if name == "answers" else next(iter(values), "")


def recipe_form(
    recipe: Recipe, tasks: Sequence[Task], pointed: Pointed, given: Given | None = None
) -> RecipeForm:
    """The form of a recipe for a workflow with these tasks; without them they can be typed."""
    fit = _fitting(recipe, tasks)
    made = type(
        "RecipeForm",
        (RecipeForm,),
        {"recipe": recipe, "tasks": fit, **_fields(recipe, fit, pointed)},
    )
    first = {"task_key": fit[0].key} if fit and _has(recipe, "task_key") else {}
    form: RecipeForm = made(_named(given, fit) if given else None, data=first)
    return form


def _fitting(recipe: Recipe, tasks: Sequence[Task]) -> list[Task]:
    """The tasks that the recipe can be about."""
    kinds = ANSWERED if _has(recipe, "task_type") else LEFT_EMPTY
    return [task for task in tasks if task.kind in kinds]


def _fields(recipe: Recipe, tasks: Sequence[Task], pointed: Pointed) -> Fields:
    """In the order of a question: the task, its answers, and then the numbers and what follows."""
    order = {name: at for at, name in enumerate(FIRST_ASKED)}
    fields: Fields = {}
    for one in sorted(recipe.parameters, key=lambda one: order.get(one.name, len(order))):
        if one.name == "task_type" and tasks:
            continue  # the task says it
        fields[one.name] = _field(one, tasks, pointed)
        if one.name in pointed and not pointed[one.name].problem:
            fields[one.name + OTHER] = StringField(f"{_noun(one)} by its id, if it is not listed")
    return fields


def _field(one: Parameter, tasks: Sequence[Task], pointed: Pointed) -> Any:
    if one.name in pointed:
        return _pointing(one, pointed[one.name])
    if tasks and one.name == "task_key":
        return ChoiceField(one.label, choices=[SelectChoice(t.key, _words(t)) for t in tasks])
    if tasks and one.name in ANSWERS:
        return _answering(one, tasks)
    return _TYPED.get(one.kind, _text)(one)


def _answering(one: Parameter, tasks: Sequence[Task]) -> Any:
    choices = [
        SelectChoice(
            _place(task, answer.value),
            f"{answer.label} ({answer.value})",
            optgroup=None if one.name == "answers" else _words(task),
        )
        for task in tasks
        for answer in task.answers
    ]
    if one.name == "answers":
        if len(tasks) > 1:
            choices = [
                SelectChoice(choice.value, f"{choice.value.partition(':')[0]}: {choice.label}")
                for choice in choices
            ]
        return CheckboxesField("The answers", choices=choices)
    label = one.label.partition(",")[0]
    return AnswerField(label, choices=[SelectChoice("", "Choose one"), *choices])


def _pointing(one: Parameter, found: Choices) -> Any:
    if found.problem:
        return StringField(one.label, description=found.problem)
    empty = "Choose one" if not one.is_optional else "None"
    options = [SelectChoice(str(each.id), f"{each.name} ({each.where})") for each in found.options]
    return ChoiceField(one.label, choices=[SelectChoice("", empty), *options])


def _text(one: Parameter) -> Any:
    return StringField(one.label, default="" if one.default is None else str(one.default))


def _number(one: Parameter) -> Any:
    return StringField(
        one.label, default=str(one.default), render_kw={"inputmode": "decimal", "size": 8}
    )


def _choice(one: Parameter) -> Any:
    choices = [SelectChoice(name, name.replace("_", " ")) for name in one.choices]
    return ChoiceField(one.label, choices=choices, default=one.default)


_TYPED: dict[str, Callable[[Parameter], Any]] = {
    "whole number": _number,
    "number": _number,
    "choice": _choice,
    "lines": lambda one: TextAreaField(one.label),
    "switch": lambda one: BooleanField(one.label, default=one.default),
}


def _named(given: Given, tasks: Sequence[Task]) -> Given:
    """What was given, with answers as the fields have them: addresses may have them plain."""
    task = next((one for one in tasks if one.key == given.get("task_key")), None)
    places = {answer.value: _place(task, answer.value) for answer in task.answers} if task else {}
    return MultiDict(
        (name, places.get(value, value) if name in ANSWERS else value)
        for name, value in given.items(multi=True)
    )


def _place(task: Task, value: str) -> str:
    return f"{task.key}:{value}"


def _split(chosen: str, tasks: Sequence[Task]) -> tuple[str | None, str]:
    """The task of an answer as its field has it, and its value; what was typed has no task."""
    for task in tasks:
        for answer in task.answers:
            if chosen == _place(task, answer.value):
                return task.key, answer.value
    return None, chosen


def _words(task: Task) -> str:
    return f"{task.key}: {task.question}" if task.question else f"{task.key} ({task.kind})"


def _noun(one: Parameter) -> str:
    return "Workflow" if one.name == "workflow_id" else "Subject set"


def _has(recipe: Recipe, name: str) -> bool:
    return any(one.name == name for one in recipe.parameters)
