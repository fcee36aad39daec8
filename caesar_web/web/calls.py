"""Pages of the calls to a service: the latest ones, what waits for it, and sending it a test."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, redirect, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from caesar_web.access import parts, trail
from caesar_web.access.permissions import permit
from caesar_web.domain.classification import document
from caesar_web.domain.services import is_called, queue_of
from caesar_web.domain.values import DomainError
from caesar_web.jobs import queues, tasks
from caesar_web.jobs.means import Part, call_by
from caesar_web.pipeline import asked_reductions
from caesar_web.store import external_statements as statements
from caesar_web.store import part_queries, queries, samples
from caesar_web.store.activity import Exchange
from caesar_web.store.external_statements import Claim
from caesar_web.store.queries import reading
from caesar_web.store.snapshot import Reducible, extractor_of, reducer_of
from caesar_web.web.pages import page
from caesar_web.web.part_page import Home

blueprint = Blueprint("calls", __name__, url_prefix="/workflows/<int:workflow_id>")
of_projects = Blueprint("project_calls", __name__, url_prefix="/projects/<int:project_id>")

MOST_WORKFLOWS = 20  # of a project, in which a sample is looked for
NOTHING = "There is nothing to send yet: no classification has come in that it would get."


@blueprint.route("/extractors/<int:part_id>/calls", methods=["GET", "POST"])
@permit("configure a workflow")
def of_extractor(workflow_id: int, part_id: int) -> AnyResponse:
    return _answered(Home("extractor", Reducible("Workflow", workflow_id), "extractors"), part_id)


@blueprint.route("/reducers/<int:part_id>/calls", methods=["GET", "POST"])
@permit("configure a workflow")
def of_reducer(workflow_id: int, part_id: int) -> AnyResponse:
    return _answered(Home("reducer", Reducible("Workflow", workflow_id), "reducers"), part_id)


@of_projects.route("/reducers/<int:part_id>/calls", methods=["GET", "POST"])
@permit("configure a project")
def of_project_reducer(project_id: int, part_id: int) -> AnyResponse:
    home = Home("reducer", Reducible("Project", project_id), "project_reducers")
    return _answered(home, part_id)


def _answered(home: Home, part_id: int) -> AnyResponse:
    with reading() as session:
        part = _part(session, home, part_id)
    do = request.form.get("do") if request.method == "POST" else None
    if do == "again":
        _ask_again(home, part)
        return redirect(request.path)
    # The library is for its workers alone, as this process would grow by 200 MB.
    can_test = part.type.call is None or bool(parts.config().aggregation_url)
    tested = _tested(home, part) if do == "test" and can_test else None
    with reading() as session:
        numbers = statements.numbers(session, home.noun, part_id)
        latest = statements.exchanges(session, home.noun, part_id)
        session.expunge_all()
    return page(
        "parts/calls.html",
        home=home,
        part=part,
        part_id=part_id,
        here=request.path,
        numbers=numbers,
        latest=latest,
        queue=queue_of(part),
        can_test=can_test,
        tested=tested,
    )


def _part(session: Session, home: Home, part_id: int) -> Part:
    """The extractor or reducer, if it works elsewhere. Raises NotFound."""
    find: Any = part_queries.reducer
    read: Any = reducer_of
    if home.noun == "extractor":
        find, read = part_queries.extractor, extractor_of
    owner = home.reducible.id if home.noun == "extractor" else home.reducible
    row = find(session, owner, part_id)
    try:
        part: Part | None = None if row is None else read(row)
    except (DomainError, KeyError):
        part = None
    if part is None or not is_called(part):
        raise NotFound
    return part


def _ask_again(home: Home, part: Part) -> None:
    with tasks.transaction() as session:
        statements.retry(session, home.noun, part.id, now=parts.now())
        trail.note(session, "asked a service again", about=part.key, **_where(home))
    queues.ring_asking(parts.config().redis_url, part.type.elsewhere)
    flash("All that waits for it, or failed, is asked for again.")


def _where(home: Home) -> dict[str, int]:
    return {f"{home.reducible.type.lower()}_id": home.reducible.id}


def _tested(home: Home, part: Part) -> Exchange | None:
    """Sends what it would get next, and shows what comes; nothing of it is saved."""
    with reading() as session:
        bodies = _samples(session, home, part)
    if not bodies:
        flash(NOTHING)
        return None
    exchange = call_by(part.type.elsewhere)(part, bodies[0])
    return Exchange(**exchange.row(home.noun, part.id, now=parts.now()))


def _samples(session: Session, home: Home, part: Part) -> Sequence[Any]:
    """The newest classification, or the extracts of its subject or volunteer."""
    workflow_ids = [home.reducible.id]
    if home.is_project:
        own = queries.workflows(session, project_ids=[home.reducible.id])
        workflow_ids = [one.id for one in own[:MOST_WORKFLOWS]]
    for workflow_id in workflow_ids:
        for one in samples.recent_classifications(session, workflow_id, most=20):
            if home.noun == "extractor":
                return [document(one)]
            by_user = getattr(part, "topic", "") == "reduce_by_user"
            target = one.user_id if by_user else one.subject.id
            claim = Claim(0, "reducer", workflow_id, part.id, target or 0, 0, 0)
            asked = None if target is None else asked_reductions.prepare(session, claim)
            if asked is not None and asked.bodies:
                return list(asked.bodies.values())
    return []
