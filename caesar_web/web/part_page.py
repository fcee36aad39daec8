"""What the pages of extractors and reducers share: where they are, how they save, their words."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, request, url_for
from werkzeug.exceptions import NotFound

from caesar_web.domain.known import KnownReducer
from caesar_web.domain.lights import Light, light_of, unusable
from caesar_web.domain.options import Option
from caesar_web.domain.tasks import Task
from caesar_web.domain.uses import named_extractors
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.pipeline.configuring import ChangedMeanwhile
from caesar_web.store import activity
from caesar_web.store.configuration import Extractor
from caesar_web.store.snapshot import Reducible
from caesar_web.web import states
from caesar_web.web.option_fields import as_json, with_commas
from caesar_web.web.part_forms import PartForm
from caesar_web.web.states import ACTIVE, State

LONGEST_VALUE = 200


@dataclass(frozen=True)
class Home:
    """Where pages of extractors or reducers are: below their workflow, or below their project."""

    noun: str
    reducible: Reducible
    blueprint: str
    project_name: str | None = None

    @property
    def is_project(self) -> bool:
        return self.reducible.type == "Project"

    @property
    def layout(self) -> str:
        return "parts/_of_project.html" if self.is_project else "workflows/_layout.html"

    @property
    def title(self) -> str:
        return f"{self.noun.capitalize()}s"

    def url(self, view: str = "index", **more: Any) -> str:
        """The address of one of these pages."""
        named: dict[str, Any] = {f"{self.reducible.type.lower()}_id": self.reducible.id}
        return url_for(f"{self.blueprint}.{view}", **named, **more)

    def calls(self, part_id: int) -> str:
        """The address of the page of a part's calls."""
        blueprint, noun = ("project_calls", "project_") if self.is_project else ("calls", "")
        named: dict[str, Any] = {f"{self.reducible.type.lower()}_id": self.reducible.id}
        return url_for(f"{blueprint}.of_{noun}{self.noun}", **named, part_id=part_id)


@dataclass(frozen=True)
class Line:
    """An extractor or reducer as a list shows it."""

    id: int
    key: str
    title: str
    options: Sequence[tuple[str, str]]
    light: Light
    uses: Sequence[str] = ()
    warnings: Sequence[str] = ()
    state: State = ACTIVE


def light(
    row: activity.Light | None, *, check: Callable[[], object], has_worked: bool = False
) -> Light:
    """How a part has fared; `check` raises where it is configured in a way that does not work."""
    try:
        check()
    except InvalidConfiguration as problem:
        return unusable(str(problem))
    except KeyError as problem:
        return unusable(f"no type is called {problem}")
    return kept_light(row, has_worked=has_worked)


def kept_light(row: activity.Light | None, *, has_worked: bool) -> Light:
    """What is kept of how a part has fared; of one that never failed, nothing is."""
    if row is None:
        return light_of("", has_worked=has_worked)
    return light_of(
        row.outcomes,
        last_error=row.last_error,
        since=row.failing_since,
        failures=row.failures,
        has_worked=has_worked,
    )


def states_of(state: State, noun: str) -> dict[str, Any]:
    """What a part's page says of its state, and of those that it can have instead."""
    return {"meaning": states.meaning(noun, state), "ways": states.ways(noun, state)}


def in_words(options: Iterable[Option], config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The options that are not as by default, each with its label and its value in words."""
    said = []
    for option in options:
        value = config.get(option.name)
        if value in (None, "", [], {}):
            value = option.default if option.kind == "task" else None
        if value is not None and (value != option.default or option.kind == "task"):
            said.append((option.label, _value_in_words(option, value)))
    return said


def saved(
    form: PartForm, save: Callable[[], int], *, noun: str, expected: Callable[[], str]
) -> int | None:
    """The id of what is saved now; None where the form says why it is not. Raises Unknown."""
    try:
        id = save()
    except InvalidConfiguration as refusal:
        form.tell(refusal)
        return None
    except ChangedMeanwhile:
        form.key.errors = [
            f"Somebody else has changed this {noun} since you opened it. Save once more to put"
            " yours in the place of theirs."
        ]
        form.expected.data = expected()
        return None
    flash(f"The {noun} is saved.")
    return id


def type_of_removed(types: Collection[str]) -> str:
    """The type of a part whose form is sent when it is not there any more. Raises NotFound."""
    name = request.form.get("type", "") if request.method == "POST" else ""
    if name not in types:
        raise NotFound
    return name


def tell_of_removal(form: PartForm, noun: str) -> None:
    """Says that the part is gone; its form is one for a new part now, with what was typed."""
    form.expected.data = ""
    removed = f"Somebody has removed this {noun} since you opened it. Save once more to have it as"
    form.key.errors = [f"{removed} a new one.", *form.key.errors]


def stale_task(extractor: Extractor, tasks: Sequence[Task]) -> list[str]:
    """A warning where the task that it reads is not there any more; without tasks none is known."""
    asked = extractor.config.get("task_key") or "T0"
    reads_task = extractor.type in ("question", "survey", "blank")
    if not (tasks and reads_task) or asked in {task.key for task in tasks}:
        return []
    return [
        f"It reads task {asked}, which the workflow does not have any more. It finds nothing in new"
        " classifications."
    ]


def stale_extractors(reducer: KnownReducer, extractors: Iterable[str]) -> list[str]:
    """A warning for each extractor that a reducer names and that is not there."""
    missing = named_extractors(reducer) - set(extractors)
    return [f"It looks at the extractor {key}, which is not there." for key in sorted(missing)]


def _value_in_words(option: Option, value: Any) -> str:
    if option.kind == "paths" and isinstance(value, Mapping):
        words = ", ".join(f"{name} from {path}" for name, path in value.items())
    elif option.kind == "object" and isinstance(value, Mapping):
        words = ", ".join(f"{name} {as_json(one)}" for name, one in value.items())
    elif option.kind == "groups" and isinstance(value, Mapping):
        words = "; ".join(f"{name}: {with_commas(texts)}" for name, texts in value.items())
    elif isinstance(value, list | tuple):
        words = with_commas(value)
    elif option.kind == "switch":
        words = "yes" if value else "no"
    else:
        words = option.choices.get(str(value), str(value))
    return words if len(words) <= LONGEST_VALUE else f"{words[:LONGEST_VALUE]}…"
