"""What pages of runs do, of workflows and of projects alike."""

from typing import Any

from flask import flash, redirect, request
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response

from caesar_web.access import permissions, running
from caesar_web.access.running import NoSuchRun, OtherNumber
from caesar_web.domain import run_reading
from caesar_web.domain.events import LARGEST_ID
from caesar_web.pipeline import kept
from caesar_web.pipeline.run_orders import Over
from caesar_web.pipeline.runs import RunFailed, Started
from caesar_web.store import queries, run_pages
from caesar_web.store.queries import reading
from caesar_web.store.runs import Run
from caesar_web.store.snapshot import Reducible
from caesar_web.web import run_forms, run_shown
from caesar_web.web.pages import page
from caesar_web.web.run_shown import Home

PAGE_SIZE = 20
OF_WORKFLOWS = ("backfill", "backfill_user", "reextract", "rereduce", "import")
OF_PROJECTS = ("rereduce",)

STARTED = "The run is started."
SAME = "This is under way already: here is the run that does it."
STOPPING = "It stops after this step."
STOPPED = "It is stopped. What it has done so far stays."
OVER_ALREADY = "It was over already."


def listed(home: Home) -> Response:
    before = _number("before") or LARGEST_ID
    with reading() as session:
        found = run_pages.of_reducible(session, home.reducible, before=before, most=PAGE_SIZE + 1)
        template = "_list" if request.args.get("part") == "list" else "index"
        return page(
            f"runs/{template}.html",
            home=home,
            runs=[run_shown.shown(session, run) for run in found[:PAGE_SIZE]],
            older=found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None,
            before=None if before == LARGEST_ID else before,
            kinds=_kinds(home),
        )


def started(home: Home) -> Response:
    """The form of a kind of run; a run whose effects act is confirmed before it starts."""
    kind = request.args.get("kind", "")
    if kind not in _kinds(home):
        return page("runs/new.html", home=home, kinds=_kinds(home))
    with reading() as session:
        keys = [row.key for row in queries.reducers(session, *home.reducible)]
    form = run_forms.start_form(kind, home.reducible, keys)
    if form.is_submitted() and form.validate() and (order := form.order(kind, home.reducible)):
        if not order.acts or "sure" in request.form:
            return _led_to(home, running.start(order), STARTED)
        with reading() as session:
            effects = run_shown.could_act(session, home, check=order.options.get("check"))
        return page(
            "runs/sure.html",
            home=home,
            title=run_reading.title(kind),
            scope=run_reading.scope(kind, order.options),
            effects=effects,
            fields=form.sent(order),
            action=home.url("new", kind=kind),
            back=home.url("new", kind=kind),
        )
    return page(
        "runs/start.html",
        home=home,
        kind=kind,
        words=run_reading.KIND_WORDS[kind],
        form=form,
        status=422 if form.errors else 200,
    )


def shown(home: Home, run_id: int) -> Response:
    after = _number("failures") or 0
    with reading() as session:
        run = _find(session, home, run_id)
        rows, more = run_shown.failures(session, run, after=after)
        withheld, number = run_shown.withheld_by(session, run)
        is_part = request.args.get("part") == "progress"
        return page(
            f"runs/{'_progress' if is_part else 'show'}.html",
            home=home,
            shown=run_shown.shown(session, run),
            failures=rows,
            after=after,
            more=more,
            withheld=withheld,
            number=number,
        )


def changed(home: Home, run_id: int) -> Response:
    """Stops a run, or lets it go on."""
    do = request.form.get("do")
    try:
        if do == "stop":
            state = running.stop(home.reducible, run_id)
            flash({None: OVER_ALREADY, "stopping": STOPPING}.get(state, STOPPED))
        elif do == "go on":
            return _led_to(home, running.go_on(home.reducible, run_id), "It goes on.")
        else:
            raise BadRequest
    except NoSuchRun:
        raise NotFound from None
    except Over:
        flash(OVER_ALREADY)
    except RunFailed as problem:
        flash(run_reading.problem_in_words(str(problem)), "wrong")
    return redirect(home.url("show", run_id=run_id))


def repeated(home: Home, run_id: int) -> Response:
    """Asks once more, and starts anew what a run did."""
    with reading() as session:
        run = _find(session, home, run_id)
        if not run_shown.is_repeatable(run):
            raise NotFound
        check = run.options.get("check")
        if request.method == "GET":
            return page(
                "runs/sure.html",
                home=home,
                title=run_reading.title(run.kind),
                scope=run_reading.scope(run.kind, run.options),
                effects=run_shown.could_act(session, home, check=check) if run.acts else None,
                fields={},
                action=home.url("repeat", run_id=run_id),
                back=home.url("show", run_id=run_id),
            )
    try:
        return _led_to(home, running.again(home.reducible, run_id), STARTED)
    except RunFailed as problem:
        flash(run_reading.problem_in_words(str(problem)), "wrong")
        return redirect(home.url("show", run_id=run_id))


def applied(home: Home, run_id: int) -> Response:
    """Asks once more, and does what a run withheld."""
    if request.method == "POST":
        try:
            number = running.apply(
                home.reducible.id, run_id, number=request.form.get("number", -1, int)
            )
        except NoSuchRun:
            raise NotFound from None
        except OtherNumber:
            flash("It is not the same any more: look at it once more.", "wrong")
            return redirect(home.url("apply", run_id=run_id))
        flash(f"{number:,} {'action is' if number == 1 else 'actions are'} decided, and soon done.")
        return redirect(home.url("show", run_id=run_id))
    with reading() as session:
        run = _find(session, home, run_id)
        withheld, number = run_shown.withheld_by(session, run)
        shown = run_shown.shown(session, run)
        return page("runs/apply.html", home=home, shown=shown, withheld=withheld, number=number)


def tell_of_kept(workflow_id: int) -> None:
    """Says on the next page which run follows what was kept, where this request resumed it."""
    if permissions.place().status == "active":
        return
    with reading() as session:
        run = kept.running(session, workflow_id)
    if run is not None:
        address = Home(Reducible("Workflow", workflow_id)).url("show", run_id=run.id)
        text = Markup('What was kept is processed now: <a href="{}">see how far it is</a>.')
        flash(text.format(address))


def _kinds(home: Home) -> dict[str, Any]:
    names = OF_PROJECTS if home.is_project else OF_WORKFLOWS
    return {name: run_reading.KIND_WORDS[name] for name in names}


def _led_to(home: Home, started: Started, text: str) -> Response:
    flash(text if started.is_new else SAME)
    return redirect(home.url("show", run_id=started.run_id))


def _find(session: Session, home: Home, run_id: int) -> Run:
    run = run_pages.find(session, home.reducible, run_id)
    if run is None:
        raise NotFound
    return run


def _number(name: str) -> int | None:
    found = request.args.get(name, type=int)
    return found if found is not None and 0 < found <= LARGEST_ID else None
