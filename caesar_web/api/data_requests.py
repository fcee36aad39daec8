"""Data requests for clients: asking for an export, and how far each of them is."""

from collections.abc import Callable
from typing import Any

from flask import Response, request
from werkzeug.exceptions import NotFound

from caesar_web.access import export_files, exports, parts
from caesar_web.access.exports import Exportable
from caesar_web.api import bodies, rendering
from caesar_web.domain.exports import ALIASES, EXPORTS, read_export
from caesar_web.pipeline.exporting import TooMany
from caesar_web.store import data_request_statements as data_requests
from caesar_web.store.data_request_statements import Asked, Visible
from caesar_web.store.queries import reading

MOST_LISTED = 1000
KINDS = frozenset(name for name, kind in EXPORTS.items() if kind.in_contract)
STATUSES = {
    "waiting": "pending",
    "running": "processing",
    "finished": "complete",
    "failed": "failed",
    "stopping": "canceling",
    "cancelled": "canceled",
}


def listed(exportable: Exportable) -> Response:
    """The requests that the caller may see, the newest first."""
    kind = request.args.get("requested_data") or None
    with reading() as session:
        found = data_requests.listed(
            session,
            exportable.reducible,
            visible(exportable),
            most=MOST_LISTED,
            kind=ALIASES.get(kind, kind) if kind else None,
            subgroup=request.args.get("subgroup") or None,
        )
        session.expunge_all()
    return rendering.as_response([shape(one) for one in found])


def shown(exportable: Exportable, request_id: str) -> Response:
    """One request."""
    try:
        found = exports.find(exportable, request_id)
    except NotFound:
        return rendering.not_found("DataRequest", request_id)
    if found.request.requested_data not in KINDS:
        return rendering.not_found("DataRequest", request_id)
    return rendering.as_response(shape(found))


def created(exportable: Exportable, show: Callable[[str], str]) -> Response:
    """Begins an export: 201 and where to `show` it; 401 for what is not the caller's to have."""
    export, problems = read_export(bodies.body_of("data_request"))
    if export is None:
        return rendering.refused(422, *(f"{one.place} {one.message}" for one in problems))
    if export.kind not in KINDS:
        return rendering.refused(422, f"requested_data must be one of: {', '.join(sorted(KINDS))}")
    try:
        request_id = exports.ask(exportable, export)
    except TooMany as problem:
        return rendering.refused(429, str(problem))
    made = exports.find(exportable, str(request_id))
    response = rendering.as_response(shape(made), status=201)
    response.headers["Location"] = show(str(request_id))
    return response


def unknown() -> Response:
    """What is not here, or not the caller's: clients expect an empty body."""
    return Response(status=404, content_type="application/json")


def visible(exportable: Exportable) -> Visible:
    """What of it the caller sees, without what clients do not know of."""
    seen = exportable.visible
    return seen._replace(kinds=KINDS & frozenset(seen.kinds))


def shape(asked: Asked) -> dict[str, Any]:
    """A request as clients read it."""
    row, run = asked
    has_file = exports.has_file(asked, now=parts.now())
    return {
        "id": str(row.id),
        "exportable_id": str(row.exportable_id),
        "exportable_type": row.exportable_type,
        "user_id": row.user_id,
        "subgroup": row.subgroup,
        "status": STATUSES[run.status],
        "requested_data": row.requested_data,
        "url": export_files.address(row) if has_file else None,
        "updated_at": f"{run.updated_at:%Y-%m-%d %H:%M:%S} UTC",
    }
