"""Extracts for clients: those of a subject, writing one, importing predictions of machines."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, request

from caesar_web.access import pushing, running
from caesar_web.access.permissions import permit
from caesar_web.access.pushing import Missing
from caesar_web.api import bodies, conditional, rendering
from caesar_web.domain.effects import panoptes_id
from caesar_web.domain.keys import is_key
from caesar_web.domain.options import Unreadable
from caesar_web.external.addresses import RefusedAddress, refuse_in_itself
from caesar_web.pipeline.pushing import PushedExtract, Refused
from caesar_web.pipeline.run_orders import import_order
from caesar_web.store import queries
from caesar_web.store.queries import reading
from caesar_web.store.results import Extract

WILDCARDS = ("all", "extractor")  # the Python client's words for every extractor

blueprint = Blueprint("extracts", __name__, url_prefix="/workflows/<int:workflow_id>")


@blueprint.errorhandler(Missing)
def not_found(problem: Missing) -> Response:
    return rendering.not_found(*problem.args)


@blueprint.errorhandler(Unreadable)
@blueprint.errorhandler(Refused)
def refused(problem: Exception) -> Response:
    return rendering.refused(422, str(problem))


@blueprint.get("/extractors/<extractor_key>/extracts")
@permit("read extracts")
def index(workflow_id: int, extractor_key: str) -> Response:
    """All of a subject's extracts; a key that no extractor has counts as any."""
    subject_id = bodies.id_or_none(request.args.get("subject_id", ""))
    if subject_id is None:
        return rendering.as_response([])
    with reading() as session:
        is_one = extractor_key not in WILDCARDS and queries.has_extractor(
            session, workflow_id, extractor_key
        )
        wanted = queries.extracts_of_subject(
            workflow_id, subject_id, extractor_key=extractor_key if is_one else None
        )
        return conditional.listed(session, wanted, rendering.extract)


@blueprint.route("/extractors/<extractor_key>/extracts", methods=["POST", "PUT"])
@permit("configure a workflow")
def write(workflow_id: int, extractor_key: str) -> Response:
    """Writes an extract, new or again, and gives it."""
    extract_id = pushing.push_extract(workflow_id, _given(extractor_key))
    with reading() as session:
        return rendering.as_response(rendering.extract(session.get_one(Extract, extract_id)))


@blueprint.post("/extracts/import")
@permit("configure a workflow")
def import_predictions(workflow_id: int) -> Response:
    """Begins a run that imports a file from an address."""
    try:
        url = bodies.body_of("extract").get("file")
    except bodies.NoBody:
        url = None
    if not isinstance(url, str) or not url:
        return rendering.as_response({"error": "CSV must be included"}, status=404)
    try:
        refuse_in_itself(url)
    except RefusedAddress as problem:
        return rendering.refused(422, f"file: {problem}")
    # What rules decide then is done, as clients have always known it.
    running.start(replace(import_order(workflow_id, url=url), acts=True))
    return rendering.no_content()


def _given(extractor_key: str) -> PushedExtract:
    body = bodies.body_of("extract")
    if not is_key(extractor_key):
        raise Unreadable("the extractor's key must have no spaces, dots, slashes or brackets")
    if "data" not in body or not isinstance(body["data"], Mapping | list):
        raise Unreadable("data must be an object")
    return PushedExtract(
        extractor_key,
        _id(body, "subject_id") or 0,
        body["data"],
        _id(body, "classification_id", required=False),
        _moment(body.get("classification_at")),
        _id(body, "user_id", required=False),
    )


def _id(body: Mapping[str, Any], name: str, *, required: bool = True) -> int | None:
    value = body.get(name, request.args.get(name))
    if value is None or value == "":
        if required:
            raise Unreadable(f"{name} can't be blank")
        return None
    try:
        return panoptes_id(value)
    except Unreadable as problem:
        raise Unreadable(f"{name} {problem}") from None


def _moment(text: Any) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise Unreadable("classification_at must be a time") from None
