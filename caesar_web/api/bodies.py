"""What clients send: JSON or a form, wrapped in the name of what it is, or bare."""

from collections.abc import Mapping
from typing import Any

from flask import request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from caesar_web.api.stream import read_json
from caesar_web.domain.events import LARGEST_ID
from caesar_web.domain.values import Unstorable, check_storable


class NoBody(BadRequest):
    """A body without the members that it must have."""


def body_of(name: str) -> dict[str, Any]:
    """The members of `name` in this request's body.

    Raises BadRequest, which says why, where there are none, and RequestEntityTooLarge.
    """
    try:
        is_form = bool(request.form) and not request.is_json
        document = _form() if is_form else read_json(request.get_data())
        check_storable(document)
    except RequestEntityTooLarge:
        most = request.max_content_length
        raise RequestEntityTooLarge(f"the body may have {most} bytes") from None
    except RecursionError:
        raise BadRequest("the body is nested too deep") from None
    except ValueError as problem:
        raise BadRequest(f"the body cannot be read: {problem}") from None
    except Unstorable as problem:
        raise BadRequest(f"{problem!s:.200}") from None
    body = document.get(name, document) if isinstance(document, Mapping) else None
    if not isinstance(body, Mapping) or not body:
        raise NoBody(f"the body must be an object with members, bare or as {name}")
    return dict(body)


def id_or_none(text: str) -> int | None:
    """An id, or None for what cannot be one, which nothing has."""
    is_one = text.isascii() and text.isdecimal() and len(text) < 20
    return int(text) if is_one and 0 < int(text) <= LARGEST_ID else None


def _form() -> dict[str, Any]:
    """The fields of a form, where `a[b]=c` is {"a": {"b": "c"}}. Raises ValueError."""
    found: dict[str, Any] = {}
    for key, text in request.form.items():
        *parents, name = key.replace("]", "").split("[")
        inside = found
        for parent in parents:
            inside = inside.setdefault(parent, {})
            if not isinstance(inside, dict):
                raise ValueError(f"{key} is within a text")
        if name in inside:
            raise ValueError(f"{key} is a text, and has something within it")
        inside[name] = text
    return found
