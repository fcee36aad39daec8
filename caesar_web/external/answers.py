"""What services answer: data, or nothing; whatever else is a failure."""

import json
from typing import Any

import orjson

from caesar_web.domain.values import Unstorable, check_storable
from caesar_web.external.http import Answer, ExternalError

STATUSES = (200, 201, 202, 204)


def read_answer(answer: Answer, *, host: str) -> Any:
    """The JSON object or list in an answer; None for no data. Raises ExternalError.

    A text or null is no data, and so are an empty body and a 204. NaN and infinity, which programs
    in Python write though JSON has none, are null.
    """
    if answer.status not in STATUSES:
        raise _unusable(f"{host} answered with status {answer.status}", answer)
    if answer.status == 204 or not answer.body.strip():
        return None
    try:
        value = _parsed(answer.body)
        check_storable(value)
    except (ValueError, RecursionError) as problem:
        raise _unusable(f"{host} answered with what is not JSON: {problem}", answer) from None
    except Unstorable as problem:
        raise _unusable(f"{host} answered with what cannot be kept: {problem}", answer) from None
    if value is None or isinstance(value, str):
        return None
    if not isinstance(value, dict | list):
        raise _unusable(f"{host} answered with {value!r}, not an object or a list", answer)
    return value


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return json.loads(body, parse_constant=lambda _: None)


def _unusable(message: str, answer: Answer) -> ExternalError:
    return ExternalError(message, permanent=False, status=answer.status)
