"""Pages of a workflow's subjects: the latest, one with all that became of it, how it came to it."""

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from caesar_web.access import subject_texts, subjects
from caesar_web.access.permissions import permit
from caesar_web.access.renewal import PanoptesAway
from caesar_web.domain.events import LARGEST_ID
from caesar_web.pipeline.subjects import NeverSeen
from caesar_web.store import timelines
from caesar_web.store.queries import reading
from caesar_web.store.result_statements import SUBJECT
from caesar_web.web import forms, shown_data, target_list, target_page
from caesar_web.web.pages import page

blueprint = Blueprint("subjects", __name__, url_prefix="/workflows/<int:workflow_id>/subjects")

FETCHED = "What Zooniverse has of the subject is kept here now."


@blueprint.get("")
@permit("see a workflow")
def index(workflow_id: int) -> Response:
    form = forms.FindSubject(request.args)
    with reading() as session:
        found = target_list.chosen(session, workflow_id, SUBJECT, form)
        if found is not None:
            return redirect(url_for("subjects.show", workflow_id=workflow_id, subject_id=found))
        rows = target_list.recent(session, workflow_id, SUBJECT)
        ids = [row.target_id for row in rows]
        counts = timelines.classification_counts(session, workflow_id, ids)
    status = 422 if form.errors else 200
    return page("subjects/index.html", status=status, form=form, rows=rows, counts=counts)


@blueprint.get("/<int:subject_id>")
@permit("see a workflow")
def show(workflow_id: int, subject_id: int) -> Response:
    with reading() as session:
        shown = target_page.find(session, workflow_id, SUBJECT, subject_id)
    media = subjects.locations_of(workflow_id, subject_id)
    return page(
        "subjects/show.html",
        shown=shown,
        fields=shown_data.fields(shown.metadata),
        media=media,
        texts=subject_texts.texts_of(media.locations),
    )


@blueprint.post("/<int:subject_id>")
@permit("configure a workflow")
def refresh(workflow_id: int, subject_id: int) -> Response:
    """Takes over what Panoptes says of the subject now."""
    if subject_id > LARGEST_ID:
        raise NotFound
    try:
        subjects.refresh(workflow_id, subject_id)
    except NeverSeen:
        raise NotFound from None
    except PanoptesAway:
        flash(subjects.AWAY, "wrong")
    else:
        flash(FETCHED)
    return redirect(url_for("subjects.show", workflow_id=workflow_id, subject_id=subject_id))


@blueprint.get("/<int:subject_id>/reducers/<int:reducer_id>")
@permit("see a workflow")
def steps(workflow_id: int, subject_id: int, reducer_id: int) -> Response:
    with reading() as session:
        reducer, tried = target_page.steps(session, workflow_id, SUBJECT, subject_id, reducer_id)
        return page("subjects/steps.html", id=subject_id, reducer=reducer, tried=tried)
