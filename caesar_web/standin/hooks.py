"""A sink for webhooks, which answers as it is told to, and a CSV file of extracts to import."""

import time
from collections.abc import Mapping
from typing import Any

import orjson
from flask import Blueprint, Response, jsonify, request

from caesar_web.standin.access import as_id
from caesar_web.standin.envelope import ApiError
from caesar_web.standin.state import current_state
from caesar_web.standin.world import JSON

blueprint = Blueprint("hooks", __name__)

# name: status, body
ANSWERS: Mapping[str, tuple[int, str]] = {
    "object": (200, '{"score": 0.9, "label": "galaxy"}'),
    "empty": (200, ""),
    "accepted": (202, ""),
    "none": (204, ""),
    "string": (200, '"no data"'),
    "list": (200, '[{"score": 0.9}, {"score": 0.1}]'),
    "null": (200, "null"),
    "data_and_store": (200, '{"data": {"mean": 4.0}, "store": {"n": 3, "sum": 12}}'),
    "underscore_store": (200, '{"mean": 4.0, "_store": {"n": 3, "sum": 12}}'),
    "invalid": (200, '{"mean": '),
    "not_found": (404, '{"error": "not found"}'),
    "failure": (500, '{"error": "internal server error"}'),
    "redirect": (302, ""),
    "slow": (200, '{"score": 0.9}'),
    "basic_auth": (201, ""),
    "echo": (200, ""),
}
SLOW_SECONDS = 5.0

EXTRACTS = (
    "extractor_key,subject_id,data,workflow_version",
    'machine,70,"{""galaxy"": 0.93, ""star"": 0.07}",12.10',
    'machine,1001,"{""galaxy"": 0.12, ""star"": 0.88}",',
    'machine,1002,"{""note"": ""a comma, and a \\""quote\\"" in it""}",12.10',
    'machine,,"{""galaxy"": 0.5}",12.10',
    'machine,1003,"{""galaxy"": ",12.10',
    "machine,1004,null,12.10",
    'machine,70,"{""galaxy"": 0.95, ""star"": 0.05}",12.10',
)


@blueprint.route("/hook/<path:name>", methods=["POST", "PUT", "GET"])
def hook(name: str) -> Response:
    """Notes the request, and answers what was set for `name`, else `?answer=`, else an object.

    `slow` waits `?seconds=`; `basic_auth` is 401 unless `?user=` and `?password=` are presented.
    """
    state = current_state()
    with state.lock:
        state.testing.hooks.append(_noted(name))
        told = state.testing.hook_answers.get(name)
    if told is not None:
        time.sleep(told["delay"])
        return _answer(told["status"], told["text"])
    answer = request.args.get("answer", "object")
    if answer not in ANSWERS:
        raise ApiError(404, f"No such answer: {answer}. Known: {', '.join(ANSWERS)}")
    return _named(answer)


@blueprint.get("/_stub/hooks")
def hooks() -> Response:
    """What came in at `/hook/`, oldest first."""
    state = current_state()
    with state.lock:
        return jsonify(list(state.testing.hooks))


@blueprint.delete("/_stub/hooks")
def clear_hooks() -> Response:
    state = current_state()
    with state.lock:
        state.testing.hooks.clear()
        state.testing.hook_answers.clear()
    return Response(status=204)


@blueprint.post("/_stub/hooks")
def set_answer() -> Response:
    """`/hook/<name>` answers `json` (or the bare `text`) with `status`, after `delay` seconds."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or not isinstance(body.get("name"), str):
        raise ApiError(422, "The body must be an object with a name")
    status = as_id(body.get("status", 200))
    delay = body.get("delay", 0)
    if status is None or not isinstance(delay, int | float):
        raise ApiError(422, "status and delay must be numbers")
    text = orjson.dumps(body["json"]).decode() if "json" in body else str(body.get("text", ""))
    state = current_state()
    with state.lock:
        state.testing.hook_answers[body["name"]] = {"status": status, "text": text, "delay": delay}
    return Response(status=204)


@blueprint.get("/files/extracts.csv")
def extracts() -> Response:
    """Machine-made extracts: good rows, no subject, invalid JSON, quoted JSON, a duplicate."""
    return Response("\n".join(EXTRACTS) + "\n", content_type="text/csv; charset=utf-8")


def _noted(name: str) -> JSON:
    parsed: Any = request.get_json(silent=True) if request.is_json else None
    return {
        "name": name,
        "method": request.method,
        "query": request.query_string.decode(errors="replace"),
        "headers": dict(request.headers.items()),
        "body": request.get_data(as_text=True),
        "json": parsed,
    }


def _named(answer: str) -> Response:
    status, text = ANSWERS[answer]
    if answer == "slow":
        time.sleep(request.args.get("seconds", SLOW_SECONDS, type=float))
    if answer == "echo":
        text = request.get_data(as_text=True)
    if answer == "basic_auth" and not _authenticated():
        return Response(status=401, headers={"WWW-Authenticate": 'Basic realm="hook"'})
    found = _answer(status, text)
    if answer == "redirect":
        found.headers["Location"] = "/hook/redirected"
    return found


def _answer(status: int, text: str) -> Response:
    return Response(text, status=status, content_type="application/json")


def _authenticated() -> bool:
    given = request.authorization
    wanted = (request.args.get("user", "caesar"), request.args.get("password", "secret"))
    return given is not None and (given.username, given.password) == wanted
