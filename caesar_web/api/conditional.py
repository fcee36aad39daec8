"""Answers that need not be sent again, and lists of which a part is enough."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from sqlalchemy import Select
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest

from caesar_web.api import rendering
from caesar_web.domain.events import LARGEST_ID

LARGEST_PAGE = 1000
USUAL_PAGE = 100


def tag(response: Response) -> Response:
    """Gives what was read as JSON a weak ETag; 304 where the caller has it already."""
    is_read = request.method in ("GET", "HEAD") and response.status_code == 200
    if is_read and response.mimetype == "application/json" and not response.is_streamed:
        response.add_etag(weak=True)
        response.make_conditional(request)
    return response


def listed(
    session: Session, wanted: Select[Any], shape: Callable[[Any], dict[str, Any]]
) -> Response:
    """All rows as an array; or with `page` or `page_size` a part, with links to the others."""
    if not {"page", "page_size"} & request.args.keys():
        return rendering.as_response([shape(row) for row in session.scalars(wanted)])
    page, size = _number("page", 1, LARGEST_ID // LARGEST_PAGE), _number("page_size", USUAL_PAGE)
    size = min(size, LARGEST_PAGE)
    rows = list(session.scalars(wanted.offset((page - 1) * size).limit(size + 1)))
    response = rendering.as_response([shape(row) for row in rows[:size]])
    links = {"first": 1}
    if page > 1:
        links["prev"] = page - 1
    if len(rows) > size:
        links["next"] = page + 1
    response.headers["Link"] = ", ".join(
        f'<{_address(number, size)}>; rel="{name}"' for name, number in links.items()
    )
    return response


def _address(page: int, size: int) -> str:
    arguments = [
        *((name, text) for name, text in request.args.items(multi=True) if "page" not in name),
        ("page", page),
        ("page_size", size),
    ]
    return f"{request.base_url}?{urlencode(arguments)}"


def _number(name: str, usual: int, most: int = LARGEST_ID) -> int:
    text = request.args.get(name, "")
    if not text:
        return usual
    if not (text.isascii() and text.isdecimal() and len(text) < 19 and 0 < int(text) <= most):
        raise BadRequest(f"{name} must be a whole number from 1 to {most}")
    return int(text)
