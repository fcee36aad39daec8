"""JSON reads of a subject's extracts and reductions in a workflow."""

from flask import Blueprint, Response, request

from caesar_web.access.permissions import permit
from caesar_web.api import rendering
from caesar_web.domain.events import LARGEST_ID
from caesar_web.store import queries
from caesar_web.store.queries import reading

WILDCARDS = ("all", "extractor")  # the Python client's words for every extractor

blueprint = Blueprint("reads", __name__, url_prefix="/workflows/<int:workflow_id>")


@blueprint.get("/extractors/<extractor_key>/extracts")
@permit("read extracts")
def extracts(workflow_id: int, extractor_key: str) -> Response:
    """All of a subject's extracts; a key that no extractor has counts as any."""
    subject_id = _subject_id()
    if subject_id is None:
        return rendering.as_response([])
    with reading() as session:
        is_key = extractor_key not in WILDCARDS and queries.has_extractor(
            session, workflow_id, extractor_key
        )
        rows = queries.extracts_of_subject(
            session, workflow_id, subject_id, extractor_key=extractor_key if is_key else None
        )
        return rendering.as_response([rendering.extract(row) for row in rows])


@blueprint.get("/subjects/<int:subject_id>/reductions")
@blueprint.get("/subjects/<int:subject_id>/subject_reductions")
@blueprint.get("/subject_reductions")
@blueprint.get("/reducers/<reducer_key>/reductions")
@permit("read reductions")
def reductions(
    workflow_id: int, subject_id: int | None = None, reducer_key: str | None = None
) -> Response:
    subject_id = _subject_id() if subject_id is None else subject_id
    if subject_id is None or subject_id > LARGEST_ID:
        return rendering.as_response([])
    key = reducer_key or request.args.get("reducer_key")
    with reading() as session:
        rows = queries.reductions_of_subject(session, workflow_id, subject_id, reducer_key=key)
        return rendering.as_response([rendering.subject_reduction(row) for row in rows])


def _subject_id() -> int | None:
    text = request.args.get("subject_id", "")
    subject_id = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    return subject_id if 0 < subject_id <= LARGEST_ID else None
