"""Pages of data requests: the form, and how far each export is, what is in it, and its file."""

from flask import Response, flash, redirect, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as AnyResponse
from wtforms.fields.choices import SelectChoice

from caesar_web.access import exports
from caesar_web.domain.events import LARGEST_ID
from caesar_web.domain.exports import EXPORTS, FORMATS, Export, read_export
from caesar_web.pipeline.exporting import TooMany
from caesar_web.store import data_request_statements as data_requests
from caesar_web.store.queries import reading
from caesar_web.web.data_requests_shown import Home
from caesar_web.web.data_requests_shown import shown as described
from caesar_web.web.forms import DataRequestForm
from caesar_web.web.pages import page

PAGE_SIZE = 30
NAMES = ("requested_data", "format", "gzip", "subgroup", "user_id", "key", "from", "to")
FIELDS = {"from": "since", "to": "until"}  # of the form, where the contract's names are no names


def listed(home: Home, form: DataRequestForm | None = None) -> Response:
    """The newest requests, with the form for another one."""
    before = _before()
    with reading() as session:
        found = data_requests.listed(
            session,
            home.exportable.reducible,
            home.exportable.visible,
            most=PAGE_SIZE + 1,
            before=before,
        )
        session.expunge_all()
    form = form or _form(home)
    older = found[PAGE_SIZE - 1].run.id if len(found) > PAGE_SIZE else None
    is_part = request.method == "GET" and request.args.get("part") == "list"
    return page(
        f"data_requests/{'_list' if is_part else 'index'}.html",
        status=422 if form.errors else 200,
        home=home,
        form=form,
        requests=[described(home, one) for one in found[:PAGE_SIZE]],
        older=older and home.address(before=older),
        this=home.address(before=before),
        part=home.address(before=before, part="list"),
    )


def created(home: Home) -> AnyResponse:
    """Begins an export that the form asks for."""
    form = _form(home)
    if form.validate() and (export := _read(form)):
        try:
            exports.ask(home.exportable, export)
        except TooMany as problem:
            form.requested_data.errors = [f"{problem}."]
        else:
            flash("Your export has begun. Its file can be downloaded here as soon as it is ready.")
            return redirect(home.address())
    return listed(home, form)


def shown(home: Home, request_id: str) -> Response:
    """One request by itself."""
    found = exports.find(home.exportable, request_id)
    return page("data_requests/show.html", home=home, one=described(home, found))


def changed(home: Home, request_id: str) -> AnyResponse:
    """Stops an export, or begins the same again."""
    wanted = request.form.get("do")
    if wanted == "cancel":
        is_stopped = exports.cancel(home.exportable, request_id)
        flash("The export stops." if is_stopped else "It was over already.")
    elif wanted == "again":
        try:
            exports.again(home.exportable, request_id)
            flash("The export has begun again.")
        except TooMany as problem:
            flash(f"{problem}.", "wrong")
    else:
        raise BadRequest
    return redirect(home.address())


def _form(home: Home) -> DataRequestForm:
    form: DataRequestForm = DataRequestForm.of_page(requested_data="extracts", format="csv")
    form.requested_data.choices = [
        SelectChoice(name, kind.label)
        for name, kind in EXPORTS.items()
        if name in home.exportable.kinds
    ]
    form.format.choices = [SelectChoice(name, label) for name, label in FORMATS.items()]
    return form


def _read(form: DataRequestForm) -> Export | None:
    """What the form asks for; its fields get what is wrong with them."""
    given = {name: form[FIELDS.get(name, name)].data for name in NAMES}
    export, problems = read_export(given)
    for problem in problems:
        form[FIELDS.get(problem.place, problem.place)].errors = [f"This {problem.message}."]
    return export


def _before() -> int | None:
    given = request.args.get("before", "")
    return min(int(given[:19]), LARGEST_ID) if given.isascii() and given.isdecimal() else None
