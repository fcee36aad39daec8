"""The operators' page: how the service fares now; and choosing the queues of workflows."""

import time
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse
from wtforms.fields.choices import SelectChoice

from caesar_web.access import parts, settings
from caesar_web.access.permissions import permit
from caesar_web.domain import spans
from caesar_web.domain.effects import panoptes_id
from caesar_web.domain.options import Unreadable
from caesar_web.jobs import monitor
from caesar_web.pipeline.configuring import Unknown
from caesar_web.store import load_statements as load
from caesar_web.store import operation_statements as operation
from caesar_web.store import schema
from caesar_web.store.queries import reading
from caesar_web.web import forms, operation_shown
from caesar_web.web.failure_groups import address_if_any
from caesar_web.web.pages import page

PROCESSED_WITHIN = timedelta(hours=1)

blueprint = Blueprint("operations", __name__, url_prefix="/operations")


@blueprint.get("")
@permit("operate the service")
def now() -> Response:
    with reading() as session:
        of_database = _of_database(session)
    is_part = request.args.get("part") == "now"
    template = "operations/_now.html" if is_part else "operations/index.html"
    return page(
        template, to_freezing=address_if_any("freezes.everywhere"), **of_database, **_of_redis()
    )


@blueprint.route("/queues", methods=["GET", "POST"])
@permit("operate the service")
def choose_queue() -> AnyResponse:
    given = {"of": request.args.get("of", "workflow"), "id": request.args.get("id", "")}
    form = forms.ChooseQueue.of_page(**given)
    names = settings.served_queues()
    form.queue.choices = [SelectChoice("", "everybody’s"), *map(SelectChoice, names)]
    if form.is_submitted() and form.validate() and _choose(form):
        return redirect(url_for("operations.now"))
    with reading() as session:
        with_queue = [
            one
            for one in load.owners(session, [])
            if one.own_queue is not None or one.project_queue is not None
        ]
    return page(
        "operations/queues.html",
        status=422 if form.errors else 200,
        form=form,
        chosen=[(one, operation_shown.queue_of(one, names)) for one in with_queue],
    )


def _of_database(session: Session) -> dict[str, Any]:
    """All that the database tells, in a fixed number of statements."""
    begun, moment = time.perf_counter(), parts.now()
    schema.is_answering(session)
    seconds = time.perf_counter() - begun
    waits, latest = load.waiting(session), load.latest(session, since=moment - PROCESSED_WITHIN)
    owners = load.owners(session, waits.keys() | latest.keys())
    unfinished = operation.unfinished_actions(session, now=moment)
    loads = operation_shown.loads(
        owners, waits, latest, served=settings.served_queues(), now=moment
    )
    lights = operation_shown.lights(load.failing_lights(session))
    runs = operation_shown.runs(
        [*load.unfinished_runs(session), *load.runs_that_failed(session, now=moment)], now=moment
    )
    return {
        "said": operation_shown.waiting(waits, {one.id: one for one in owners}, now=moment),
        "database": spans.of_answer(seconds),
        "numbers": operation.numbers(session),
        "failed_actions": sum(one.number for one in unfinished if one.status == "failed"),
        "due_actions": sum(one.due for one in unfinished),
        "loads": loads[: operation_shown.MOST_SHOWN],
        "more_loads": max(0, len(loads) - operation_shown.MOST_SHOWN),
        "latest": min(sum(one.number for one in latest.values()), load.LATEST_CLASSIFICATIONS),
        "lights": lights[: load.MOST_LIGHTS],
        "more_lights": len(lights) > load.MOST_LIGHTS,
        "runs": runs,
        "at": moment,
    }


def _of_redis() -> dict[str, Any]:
    """What Redis tells: None where it is away."""
    config, begun = parts.config(), time.perf_counter()
    names = [name for name, _ in config.queues]
    states = monitor.queue_states(config.redis_url, names, now=parts.now())
    return {
        "queues": None if states is None else operation_shown.queues(states),
        "redis": spans.of_answer(time.perf_counter() - begun),
    }


def _choose(form: forms.ChooseQueue) -> bool:
    """Chooses the queue; where that cannot be done, the form says why."""
    is_project = form.of.data == "project"
    choose = settings.choose_queue_of_project if is_project else settings.choose_queue
    try:
        changed = choose(panoptes_id(form.id.data.strip()), form.queue.data or None)
    except Unreadable as problem:
        form.id.errors = [f"This {problem}."]
        return False
    except Unknown as problem:
        form.id.errors = [f"{str(problem).capitalize()}."]
        return False
    flash(
        "The queue is chosen. What waits moves there within a minute." if changed else "It was so."
    )
    return True
