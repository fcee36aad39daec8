"""Pages of a workflow's volunteers: the latest, one with all they did, how it came to it."""

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from caesar_web.access.permissions import permit
from caesar_web.store.queries import reading
from caesar_web.store.result_statements import USER
from caesar_web.web import forms, target_list, target_page
from caesar_web.web.pages import page

blueprint = Blueprint("users", __name__, url_prefix="/workflows/<int:workflow_id>/users")


@blueprint.get("")
@permit("see a workflow")
def index(workflow_id: int) -> Response:
    form = forms.FindUser(request.args)
    with reading() as session:
        found = target_list.chosen(session, workflow_id, USER, form)
        if found is not None:
            return redirect(url_for("users.show", workflow_id=workflow_id, user_id=found))
        rows = target_list.recent(session, workflow_id, USER)
    status = 422 if form.errors else 200
    return page("users/index.html", status=status, form=form, rows=rows)


@blueprint.get("/<int:user_id>")
@permit("see a workflow")
def show(workflow_id: int, user_id: int) -> Response:
    with reading() as session:
        shown = target_page.find(session, workflow_id, USER, user_id)
    return page("users/show.html", shown=shown)


@blueprint.get("/<int:user_id>/reducers/<int:reducer_id>")
@permit("see a workflow")
def steps(workflow_id: int, user_id: int, reducer_id: int) -> Response:
    with reading() as session:
        reducer, tried = target_page.steps(session, workflow_id, USER, user_id, reducer_id)
        return page("users/steps.html", id=user_id, reducer=reducer, tried=tried)
