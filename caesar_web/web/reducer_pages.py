"""Pages of the reducers of a workflow or project: all of them, a new one, one, trying, removing."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from flask import flash, redirect, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from caesar_web.access import configuring
from caesar_web.access.workflow_tasks import tasks_of
from caesar_web.domain.classification import Classification
from caesar_web.domain.documents import ReducerRow, read_reducer
from caesar_web.domain.filters import FILTER_OPTIONS
from caesar_web.domain.grouping import GROUPING_OPTIONS
from caesar_web.domain.reducer_options import COMMON_OPTIONS
from caesar_web.domain.reducers import REDUCERS
from caesar_web.domain.reduction_steps import Steps
from caesar_web.domain.series import MODES, TOPICS
from caesar_web.domain.tasks import Task
from caesar_web.domain.uses import reducers_of_rule
from caesar_web.pipeline.configuring import Unknown
from caesar_web.pipeline.trying import try_reducer
from caesar_web.store import health_statements, part_queries, queries, samples, transfer
from caesar_web.store.configuration import Reducer, Workflow
from caesar_web.store.effects import AnyRule
from caesar_web.store.fingerprints import fingerprint
from caesar_web.store.part_queries import LeftOut
from caesar_web.store.queries import reading
from caesar_web.store.snapshot import reducer_of
from caesar_web.web import part_choices, part_page, readings, states
from caesar_web.web.forms import sent
from caesar_web.web.option_fields import Offered
from caesar_web.web.pages import page
from caesar_web.web.part_forms import PartForm
from caesar_web.web.part_page import Home, Line
from caesar_web.web.states import ACTIVE, State, state_of
from caesar_web.web.type_forms import reducer_form, values_of

MOST_WORKFLOWS_SAMPLED = 3  # of a project

Uses = dict[str, list[str]]


@dataclass(frozen=True)
class Editing:
    """A reducer in its form, or a new one, with what there is around it."""

    home: Home
    type_name: str
    offered: Offered
    latest: Sequence[Classification]
    id: int | None = None
    key: str | None = None
    entry: dict[str, Any] = field(default_factory=dict)
    expected: str = ""
    uses: Sequence[str] = ()
    warnings: Sequence[str] = ()
    left_out: LeftOut | None = None
    state: State = ACTIVE
    is_removed: bool = False


def listed(home: Home) -> Response:
    with reading() as session:
        rows = queries.reducers(session, *home.reducible)
        lights = health_statements.lights_of_reducers(session, (row.id for row in rows))
        known = part_queries.known_reducers(rows)
        extractors = [one.key for one in part_queries.extractors(session, home.reducible)]
        uses = _uses(session, home, rows)
        newest = None if home.is_project else _newest_extract(session, home.reducible.id)
        lines = [
            _line(
                row,
                part_page.light(
                    lights.get(row.id),
                    check=partial(reducer_of, row),
                    has_worked=_has_worked(row, newest),
                ),
                uses[row.key],
                part_page.stale_extractors(known[row.key], extractors),
            )
            for row in rows
        ]
    return page("parts/index.html", home=home, lines=lines, next=("Add a reducer", home.url("new")))


def added(home: Home) -> Response:
    type_name = request.args.get("type", "")
    if type_name not in REDUCERS:
        return page("parts/types.html", home=home, types=REDUCERS)
    return _answered(_editing(home, type_name, None))


def edited(home: Home, part_id: int) -> Response:
    try:
        return _answered(_editing(home, "", part_id))
    except Unknown:
        type_name = part_page.type_of_removed(REDUCERS)
        return _answered(replace(_editing(home, type_name, None), is_removed=True))


def moved(home: Home, part_id: int) -> Response:
    """Pauses, halts or resumes it."""
    states.move(home.reducible, "reducer", part_id, noun="reducer")
    return redirect(home.url("edit", part_id=part_id))


def removed(home: Home, part_id: int) -> Response:
    try:
        editing = _editing(home, "", part_id)
        if request.method == "GET":
            return page("parts/remove.html", home=home, editing=editing)
        configuring.remove_reducer(home.reducible, editing.key or "")
    except Unknown:
        raise NotFound from None
    flash(f"The reducer {editing.key} is removed.")
    return redirect(home.url())


def _line(row: Reducer, light: Any, uses: Sequence[str], warnings: Sequence[str]) -> Line:
    kind = REDUCERS.get(row.type)
    options = [one for one in COMMON_OPTIONS if one.kind != "object"]
    own = [*kind.options, *options] if kind else options
    words = part_page.in_words(own, transfer.reducer_options(row))
    words += part_page.in_words(FILTER_OPTIONS, row.filters or {})
    words += part_page.in_words(GROUPING_OPTIONS, row.grouping or {})
    title = kind.title if kind else row.type
    return Line(row.id, row.key, title, words, light, uses, warnings, state_of(row))


def _newest_extract(session: Session, workflow_id: int) -> datetime | None:
    return health_statements.pulses(session, [workflow_id])[workflow_id].last_extract


def _has_worked(row: Reducer, newest: datetime | None) -> bool:
    """Whether something came that it must have reduced."""
    is_pushed = row.type in REDUCERS and REDUCERS[row.type].is_pushed
    return newest is not None and newest > row.created_at and not is_pushed


def _uses(session: Session, home: Home, rows: Sequence[Reducer]) -> Uses:
    """The rules that look at each reducer; those of a project are for programs to read."""
    uses: Uses = {row.key: [] for row in rows}
    if home.is_project:
        return uses
    workflow = session.get_one(Workflow, home.reducible.id)
    lists: dict[str, Sequence[AnyRule]] = {
        "subjects": workflow.subject_rules,
        "users": workflow.user_rules,
    }
    for noun, rules in lists.items():
        for at, rule in enumerate(rules, 1):
            configs = [effect.config for effect in rule.effects]
            words = f"rule {at} for {noun}: {readings.read(rule)}"
            for key in reducers_of_rule(rule.condition, configs, uses) & uses.keys():
                uses[key].append(words)
    return uses


def _editing(home: Home, type_name: str, part_id: int | None) -> Editing:
    """Raises Unknown where there is no such reducer."""
    tasks: tuple[Task, ...] = () if home.is_project else tasks_of(home.reducible.id).tasks
    with reading() as session:
        rows = queries.reducers(session, *home.reducible)
        extractors = part_queries.extractors(session, home.reducible)
        shown = part_choices.offered(tasks, extractors=extractors, reducers=rows)
        latest = _latest(session, home)
        if part_id is None:
            return Editing(home, type_name, shown, latest)
        row = part_queries.reducer(session, home.reducible, part_id)
        if row is None or row.type not in REDUCERS:
            raise Unknown(f"there is no reducer {part_id} here")
        keys = [one.key for one in extractors]
        return Editing(
            home,
            row.type,
            shown,
            latest,
            row.id,
            row.key,
            transfer.reducer_options(row),
            fingerprint(row),
            _uses(session, home, rows)[row.key],
            part_page.stale_extractors(part_queries.known_reducer(row), keys),
            part_queries.left_out(session, row),
            state_of(row),
        )


def _latest(session: Session, home: Home) -> list[Classification]:
    if not home.is_project:
        return samples.recent_classifications(session, home.reducible.id)
    workflows = queries.workflows(session, project_ids=[home.reducible.id])
    return [
        one
        for workflow in workflows[:MOST_WORKFLOWS_SAMPLED]
        for one in samples.recent_classifications(session, workflow.id)
    ]


def _answered(editing: Editing) -> Response:
    form, is_new_kind = _form(editing)
    tried = None
    if form.is_submitted() and not is_new_kind and not form.shows_again():
        is_trying = "try" in request.form
        reader = partial(read_reducer, known=editing.key)
        row = form.read(reader, kept=editing.entry, is_trying=is_trying)
        if row and is_trying:
            tried = _tried(editing, form, row)
        elif row and not editing.is_removed and _is_saved(editing, form, row):
            return redirect(editing.home.url())
    if editing.is_removed:
        part_page.tell_of_removal(form, "reducer")
    return page(
        "parts/edit.html",
        home=editing.home,
        editing=editing,
        kind=REDUCERS[editing.type_name],
        form=form,
        tried=tried,
        is_new_kind=is_new_kind,
        **part_page.states_of(editing.state, "reducer"),
        status=422 if form.errors else 200,
    )


def _form(editing: Editing) -> tuple[PartForm, bool]:
    """The form, and whether what was sent was filled in for another topic, mode or name."""
    taken = sent()
    asked = {**editing.entry, **taken.to_dict()}
    topic = REDUCERS[editing.type_name].topic or _one_of(TOPICS, asked.get("topic"))
    mode = _one_of(MODES, asked.get("reduction_mode"))
    shown_for = {"topic": topic, "mode": mode, "name": str(asked.get("name", ""))}
    targets = part_choices.targets(editing.latest, topic)
    made = reducer_form(editing.type_name, editing.offered, targets, **shown_for)
    values = values_of(made, editing.entry)
    form = made.of_page(taken, key=editing.key or "", expected=editing.expected, **values)
    return form, not form.is_for(**shown_for)


def _one_of(known: Sequence[str], name: Any) -> str:
    return name if name in known else known[0]


def _tried(editing: Editing, form: PartForm, row: ReducerRow) -> Steps | None:
    id = form.sample_id()
    if id is None:
        return None
    with reading() as session:
        return try_reducer(session, editing.home.reducible, row, id)


def _is_saved(editing: Editing, form: PartForm, row: ReducerRow) -> bool:
    def save() -> int:
        return configuring.save_reducer(
            editing.home.reducible,
            editing.key,
            row,
            rename_references=form.rename.data,
            expected=form.expected.data or None,
        )

    def now() -> str:
        return _editing(editing.home, "", editing.id).expected

    return part_page.saved(form, save, noun="reducer", expected=now) is not None
