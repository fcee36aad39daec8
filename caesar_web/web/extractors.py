"""Pages of a workflow's extractors: all of them, a new one, one of them, trying, removing."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from caesar_web.access import configuring
from caesar_web.access.negotiation import wants_page
from caesar_web.access.permissions import permit
from caesar_web.access.workflow_tasks import WorkflowTasks, tasks_of
from caesar_web.api import parts as api
from caesar_web.domain.documents import ExtractorRow, read_extractor
from caesar_web.domain.extractor_options import MINIMUM_VERSION
from caesar_web.domain.extractors import EXTRACTORS
from caesar_web.domain.known import KnownReducer
from caesar_web.domain.lights import Light
from caesar_web.domain.uses import reducers_naming, reducers_of_all
from caesar_web.pipeline.configuring import Unknown
from caesar_web.pipeline.trying import Tried, try_extractor
from caesar_web.store import health_statements, part_queries, queries, samples, transfer
from caesar_web.store.configuration import Extractor
from caesar_web.store.fingerprints import fingerprint
from caesar_web.store.queries import reading
from caesar_web.store.snapshot import Reducible, extractor_of
from caesar_web.web import part_choices, part_page, states
from caesar_web.web.forms import sent
from caesar_web.web.option_fields import Offered
from caesar_web.web.pages import page
from caesar_web.web.part_forms import PartForm, Samples
from caesar_web.web.part_page import Home, Line
from caesar_web.web.states import ACTIVE, State, state_of
from caesar_web.web.type_forms import extractor_form, values_of

blueprint = Blueprint("extractors", __name__, url_prefix="/workflows/<int:workflow_id>/extractors")

NOT_HERE = "This workflow has no classification with this id."


@dataclass(frozen=True)
class Editing:
    """An extractor in its form, or a new one, with what there is around it."""

    workflow_id: int
    type_name: str
    offered: Offered
    samples: Samples
    id: int | None = None
    key: str | None = None
    entry: dict[str, Any] = field(default_factory=dict)
    expected: str = ""
    uses: Sequence[str] = ()
    warnings: Sequence[str] = ()
    state: State = ACTIVE
    is_removed: bool = False


@blueprint.get("")
@permit("see a workflow")
def index(workflow_id: int) -> Response:
    """All extractors of a workflow."""
    if not wants_page():
        return api.listed(Reducible("Workflow", workflow_id), Extractor)
    tasks = tasks_of(workflow_id)
    with reading() as session:
        newest = health_statements.pulses(session, [workflow_id])[workflow_id].last_extract
        rows = part_queries.extractors(session, Reducible("Workflow", workflow_id))
        reducers = queries.reducers(session, "Workflow", workflow_id)
        known = part_queries.known_reducers(reducers)
        kept = health_statements.lights(session, workflow_id)
        lights = {
            row.id: part_page.light(
                kept.get(("extractor", str(row.id))),
                check=partial(extractor_of, row),
                has_worked=newest is not None and newest > row.created_at,
            )
            for row in rows
        }
        lines = [_line(row, known, tasks, light=lights[row.id]) for row in rows]
    return page("parts/index.html", home=_home(workflow_id), lines=lines, next=_next(workflow_id))


@blueprint.route("/new", methods=["GET", "POST"])
@permit("configure a workflow")
def new(workflow_id: int) -> Response:
    type_name = request.args.get("type", "")
    if type_name not in EXTRACTORS:
        return page("parts/types.html", home=_home(workflow_id), types=EXTRACTORS)
    return _edited(_editing(workflow_id, type_name, None))


@blueprint.route("/<int:part_id>", methods=["GET", "POST"])
@permit("configure a workflow")
def edit(workflow_id: int, part_id: int) -> Response:
    """One extractor."""
    if request.method == "GET" and not wants_page():
        return api.shown(Reducible("Workflow", workflow_id), Extractor, part_id)
    try:
        return _edited(_editing(workflow_id, "", part_id))
    except Unknown:
        type_name = part_page.type_of_removed(EXTRACTORS)
        return _edited(replace(_editing(workflow_id, type_name, None), is_removed=True))


@blueprint.post("/<int:part_id>/state")
@permit("configure a workflow")
def state(workflow_id: int, part_id: int) -> Response:
    """Pauses, halts or resumes it."""
    states.move(Reducible("Workflow", workflow_id), "extractor", part_id, noun="extractor")
    return redirect(_home(workflow_id).url("edit", part_id=part_id))


@blueprint.route("/<int:part_id>/remove", methods=["GET", "POST"])
@permit("configure a workflow")
def remove(workflow_id: int, part_id: int) -> Response:
    try:
        editing = _editing(workflow_id, "", part_id)
        if request.method == "GET":
            return page("parts/remove.html", home=_home(workflow_id), editing=editing)
        configuring.remove_extractor(workflow_id, editing.key or "")
    except Unknown:
        raise NotFound from None
    flash(f"The extractor {editing.key} is removed.")
    return redirect(_home(workflow_id).url())


def _home(workflow_id: int) -> Home:
    return Home("extractor", Reducible("Workflow", workflow_id), "extractors")


def _next(workflow_id: int) -> tuple[str, str]:
    """The one next step where there is nothing yet."""
    return "Propose a configuration", url_for("proposals.propose", workflow_id=workflow_id)


def _line(
    row: Extractor, reducers: dict[str, KnownReducer], tasks: WorkflowTasks, *, light: Light
) -> Line:
    kind = EXTRACTORS.get(row.type)
    options = (*kind.options, MINIMUM_VERSION) if kind else ()
    return Line(
        row.id,
        row.key,
        kind.title if kind else row.type,
        part_page.in_words(options, transfer.extractor_options(row)),
        light,
        _uses(row.key, reducers),
        part_page.stale_task(row, tasks.tasks),
        state_of(row),
    )


def _uses(key: str, reducers: dict[str, KnownReducer]) -> list[str]:
    naming = reducers_naming(key, reducers)
    of_all = [one for one in reducers_of_all(reducers) if one not in naming]
    return [*naming, *(f"{one} (looks at all extractors)" for one in of_all)]


def _editing(workflow_id: int, type_name: str, part_id: int | None) -> Editing:
    """Raises Unknown where there is no such extractor."""
    tasks = tasks_of(workflow_id)
    with reading() as session:
        latest = samples.recent_classifications(session, workflow_id)
        shown = part_choices.offered(tasks.tasks), part_choices.classifications(latest)
        if part_id is None:
            return Editing(workflow_id, type_name, *shown)
        row = part_queries.extractor(session, workflow_id, part_id)
        if row is None or row.type not in EXTRACTORS:
            raise Unknown(f"there is no extractor {part_id} in workflow {workflow_id}")
        reducers = queries.reducers(session, "Workflow", workflow_id)
        return Editing(
            workflow_id,
            row.type,
            *shown,
            row.id,
            row.key,
            transfer.extractor_options(row),
            fingerprint(row),
            _uses(row.key, part_queries.known_reducers(reducers)),
            part_page.stale_task(row, tasks.tasks),
            state_of(row),
        )


def _edited(editing: Editing) -> Response:
    form, is_new_kind = _form(editing)
    tried = None
    if form.is_submitted() and not is_new_kind and not form.shows_again():
        is_trying = "try" in request.form
        reader = partial(read_extractor, known=editing.key)
        row = form.read(reader, kept=editing.entry, is_trying=is_trying)
        if row and is_trying:
            tried = _tried(editing, form, row)
        elif row and not editing.is_removed and _is_saved(editing, form, row):
            return redirect(_home(editing.workflow_id).url())
    if editing.is_removed:
        part_page.tell_of_removal(form, "extractor")
    return page(
        "parts/edit.html",
        home=_home(editing.workflow_id),
        editing=editing,
        kind=EXTRACTORS[editing.type_name],
        form=form,
        tried=tried,
        is_new_kind=is_new_kind,
        **part_page.states_of(editing.state, "extractor"),
        status=422 if form.errors else 200,
    )


def _form(editing: Editing) -> tuple[PartForm, bool]:
    """The form, and whether what was sent was filled in for another name of the library."""
    taken = sent()
    name = str({**editing.entry, **taken.to_dict()}.get("name", ""))
    made = extractor_form(editing.type_name, editing.offered, editing.samples, name=name)
    values = values_of(made, editing.entry)
    form = made.of_page(taken, key=editing.key or "", expected=editing.expected, **values)
    return form, not form.is_for(name=name)


def _tried(editing: Editing, form: PartForm, row: ExtractorRow) -> Tried | None:
    id = form.sample_id()
    if id is None:
        return None
    with reading() as session:
        tried = try_extractor(session, editing.workflow_id, row, id)
    if tried is None:
        form.sample.errors = [NOT_HERE]
    return tried


def _is_saved(editing: Editing, form: PartForm, row: ExtractorRow) -> bool:
    def save() -> int:
        return configuring.save_extractor(
            editing.workflow_id,
            editing.key,
            row,
            rename_references=form.rename.data,
            expected=form.expected.data or None,
        )

    def now() -> str:
        return _editing(editing.workflow_id, "", editing.id).expected

    return part_page.saved(form, save, noun="extractor", expected=now) is not None
