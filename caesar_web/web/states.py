"""The states of parts on pages: as a word, what each would mean, and changing them."""

from datetime import datetime
from typing import Any, NamedTuple

from flask import flash, request, url_for
from markupsafe import Markup
from werkzeug.exceptions import BadRequest, NotFound

from caesar_web.access import configuring
from caesar_web.domain.documents import PART_STATUSES
from caesar_web.domain.lights import NOTHING_YET, Light
from caesar_web.pipeline.configuring import Unknown
from caesar_web.pipeline.pausing import Moved
from caesar_web.store.snapshot import Reducible
from caesar_web.store.statuses import Pausable

_RUN_PAGES = {"Workflow": "runs.show", "Project": "project_runs.show"}


class State(NamedTuple):
    """Whether a part works, and since when it is so."""

    status: str = "active"
    since: datetime | None = None

    @property
    def is_held(self) -> bool:
        return self.status != "active"


class Way(NamedTuple):
    """A button that gives something another state, and what that means."""

    status: str
    label: str
    sentence: str


ACTIVE = State()

# By what it is: while it does not work, what a run makes up for, and what halting leaves out.
_MEANINGS = {
    "extractor": (
        "It extracts nothing, and everything else goes on.",
        "extracts what came meanwhile, and what follows from it",
        "What comes meanwhile is never extracted.",
    ),
    "reducer": (
        "Its reductions stay as they are, and rules see them so.",
        "reduces what came meanwhile",
        "What comes meanwhile is not made up for: a running reduction never counts it, and another"
        " follows with the next classification.",
    ),
    "rule": (
        "It is not checked, and it stops no rule behind it.",
        "checks it over what has changed meanwhile",
        "What changes meanwhile is not checked.",
    ),
    "project": (
        "Its reducers do nothing, and their reductions stay as they are.",
        "reduces what came meanwhile",
        "What comes meanwhile is not made up for.",
    ),
}


def state_of(row: Pausable) -> State:
    return State(row.status, row.status_since)


def resting(light: Light, state: State) -> Light:
    """How a part fares: one that does not work is not well, but its failures stay in sight."""
    return NOTHING_YET if state.is_held and not light.is_failing else light


def meaning(noun: str, state: State) -> str:
    """What it means that something is paused or halted."""
    meanwhile, makes_up, left_out = _MEANINGS[noun]
    if state.status == "paused":
        return f"{meanwhile} When it is resumed, a run {makes_up}."
    return f"{meanwhile} {left_out}"


def ways(noun: str, state: State) -> list[Way]:
    """The states that it can have instead, with what each means."""
    _, makes_up, _ = _MEANINGS[noun]
    works = (
        Way("active", "Resume", f"It works again. A run {makes_up}.")
        if state.status == "paused"
        else Way("active", "Start", "It works again from now on.")
    )
    found = [
        works,
        Way("paused", "Pause", meaning(noun, State("paused"))),
        Way("halted", "Halt", meaning(noun, State("halted"))),
    ]
    return [way for way in found if way.status != state.status]


def move(reducible: Reducible, kind: str, part_id: int, *, noun: str) -> None:
    """Gives a part the state that was sent, and says what came of it."""
    status = request.form.get("status")
    if status not in PART_STATUSES:
        raise BadRequest
    try:
        moved = configuring.move_part(reducible, kind, part_id, status)
    except Unknown:
        raise NotFound from None
    flash(said(noun, moved, status, reducible))


def said(noun: str, moved: Moved, status: str, reducible: Reducible) -> str:
    """What became of a part, with the run that makes up for what it has missed."""
    if moved.before == status:
        words = f"The {noun} is {status} already."
    elif status != "active":
        words = f"The {noun} is {status}."
    else:
        words = f"The {noun} is {'resumed' if moved.before == 'paused' else 'started again'}."
    if moved.run_id is None or status != "active":
        return words
    _, makes_up, _ = _MEANINGS[noun]
    return Markup("{} {} {}.").format(words, _run(reducible, moved.run_id), makes_up)


def _run(reducible: Reducible, run_id: int) -> str:
    """What a run is called, and where it is shown."""
    where: dict[str, Any] = {f"{reducible.type.lower()}_id": reducible.id, "run_id": run_id}
    address = url_for(_RUN_PAGES[reducible.type], **where)
    return Markup('<a href="{}">Run {}</a>').format(address, run_id)
