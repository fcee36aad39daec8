"""JSON reads of one workflow, and of a subject's extracts and reductions in it."""

from flask import Blueprint, Response, current_app, request

from caesar_web.api import rendering
from caesar_web.config import Config
from caesar_web.domain.events import LARGEST_ID
from caesar_web.store import queries
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db

WILDCARDS = ("all", "extractor")  # the Python client's words for every extractor

blueprint = Blueprint("reads", __name__, url_prefix="/workflows/<int:workflow_id>")


@blueprint.before_request
def read_only() -> None:
    queries.begin_reading(db.session())


@blueprint.get("")
def workflow(workflow_id: int) -> Response:
    found = _workflow(workflow_id)
    if found is None or not _may_read(found.public_extracts or found.public_reductions):
        return rendering.not_found("Workflow", workflow_id)
    counts = queries.part_counts(db.session(), workflow_id)
    return rendering.as_response(rendering.workflow(found, counts=counts))


@blueprint.get("/extractors/<extractor_key>/extracts")
def extracts(workflow_id: int, extractor_key: str) -> Response:
    """All of a subject's extracts; a key that no extractor has counts as any."""
    found = _workflow(workflow_id)
    subject_id = _subject_id()
    if found is None or subject_id is None or not _may_read(found.public_extracts):
        return rendering.as_response([])
    session = db.session()
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
def reductions(
    workflow_id: int, subject_id: int | None = None, reducer_key: str | None = None
) -> Response:
    found = _workflow(workflow_id)
    if found is None or not _may_read(found.public_reductions):
        return rendering.not_found("Workflow", workflow_id)
    subject_id = _subject_id() if subject_id is None else subject_id
    if subject_id is None or subject_id > LARGEST_ID:
        return rendering.as_response([])
    key = reducer_key or request.args.get("reducer_key")
    rows = queries.reductions_of_subject(db.session(), workflow_id, subject_id, reducer_key=key)
    return rendering.as_response([rendering.subject_reduction(row) for row in rows])


def _workflow(workflow_id: int) -> Workflow | None:
    return db.session.get(Workflow, workflow_id) if workflow_id <= LARGEST_ID else None


def _subject_id() -> int | None:
    text = request.args.get("subject_id", "")
    subject_id = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    return subject_id if 0 < subject_id <= LARGEST_ID else None


def _may_read(is_public: bool) -> bool:
    """Nobody can sign in yet: outside development only what is public can be read."""
    config: Config = current_app.extensions["caesar_config"]
    return is_public or config.development
