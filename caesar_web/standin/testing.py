"""What tests ask of the stand-in: its request log, faults, tokens of any kind, switches, reset."""

import re
from typing import Any

from flask import Blueprint, Response, jsonify, request

from caesar_web.standin import tokens
from caesar_web.standin.access import as_id
from caesar_web.standin.classifications import MalformedClassification
from caesar_web.standin.envelope import ApiError
from caesar_web.standin.grants import SCOPES, TOKEN_SECONDS
from caesar_web.standin.seed import ROOT
from caesar_web.standin.seed_subjects import plain
from caesar_web.standin.state import Fault, State, current_state
from caesar_web.standin.world import JSON, User

blueprint = Blueprint("testing", __name__, url_prefix="/_stub")


@blueprint.get("/log")
def log() -> Response:
    """The requests so far, oldest first; `path` is a regular expression, `method` a method."""
    path, method = _regex(request.args.get("path", "")), request.args.get("method", "").upper()
    state = current_state()
    with state.lock:
        return jsonify(
            [
                entry
                for entry in state.testing.log
                if path.search(entry["path"]) and method in ("", entry["method"])
            ]
        )


@blueprint.delete("/log")
def clear_log() -> Response:
    state = current_state()
    with state.lock:
        state.testing.log.clear()
    return _done()


@blueprint.post("/fail")
def fail() -> Response:
    """Faults are tried oldest first; one with neither `status` nor `drop` only delays."""
    body = _body()
    method, status = body.get("method"), body.get("status")
    fault = Fault(
        path_regex=_regex(str(body.get("path_regex", ""))).pattern,
        method=None if method is None else str(method).upper(),
        status=None if status is None else int(_number(status, name="status")),
        message=str(body.get("message", "")),
        times=int(_number(body.get("times", 1), name="times")),
        delay=_number(body.get("delay", 0), name="delay"),
        drop=bool(body.get("drop", False)),
    )
    state = current_state()
    with state.lock:
        state.testing.faults.append(fault)
    return _done()


@blueprint.delete("/fail")
def lift() -> Response:
    state = current_state()
    with state.lock:
        state.testing.faults.clear()
    return _done()


@blueprint.post("/token")
def token() -> Response:
    """A token for `user_id`, valid for `ttl` seconds; a `foreign` one nobody should trust."""
    body = _body()
    ttl = _number(body.get("ttl", TOKEN_SECONDS), name="ttl")
    scopes = str(body.get("scope", " ".join(SCOPES))).split()
    state = current_state()
    keys = state.settings.keys
    key = keys.foreign if body.get("foreign") else keys.signing
    with state.lock:
        user, now = _user(state, body.get("user_id")), state.now()
        text = tokens.sign(key, user, scopes=scopes, expires_at=now + ttl)
        state.grants.note(text, user.id, expires_at=now + ttl, now=now)
    return jsonify(access_token=text, token_type="Bearer", expires_in=ttl)  # noqa: S106 - a kind


@blueprint.post("/revoke")
def revoke() -> Response:
    """Revokes the `token`, or all that `user_id` holds; their signatures stay good."""
    body = _body()
    given = body.get("token")
    state = current_state()
    with state.lock:
        revoked = state.grants.revoke(
            token=None if given is None else str(given), user_id=as_id(body.get("user_id"))
        )
    return jsonify(revoked=revoked)


@blueprint.post("/reset")
def reset() -> Response:
    current_state().reset()
    return _done()


@blueprint.get("/switches")
def switches() -> Response:
    return jsonify(_switches(current_state()))


@blueprint.post("/switches")
def switch() -> Response:
    """Sets those that the body names: see `_switches` for their names."""
    body = _body()
    state = current_state()
    if unknown := sorted(body.keys() - _switches(state).keys()):
        raise ApiError(422, f"No such switch: {', '.join(unknown)}")
    with state.lock:
        if "service_account_admin" in body:
            state.world.users[ROOT].admin = bool(body["service_account_admin"])
        if "legacy_duplicates" in body:
            state.testing.legacy_duplicates = bool(body["legacy_duplicates"])
        if "token_seconds" in body:
            state.grants.token_seconds = int(_number(body["token_seconds"], name="token_seconds"))
    return jsonify(_switches(state))


@blueprint.post("/classifications")
def classifications() -> Response:
    """Keeps a list of classifications for `GET /api/classifications/project`, all or none."""
    body = request.get_json(silent=True)
    if not isinstance(body, list):
        raise ApiError(422, "The body must be a list of classifications")
    state = current_state()
    with state.lock:
        try:
            added = state.world.classifications.add(body)
        except MalformedClassification as problem:
            raise ApiError(422, str(problem)) from None
        return jsonify(added=added, kept=len(state.world.classifications))


@blueprint.post("/subjects")
def subjects() -> Response:
    """Adds `count` subjects to a set, with ids from `first_id` on; those that are there stay."""
    body = _body()
    first_id = int(_number(body.get("first_id"), name="first_id"))
    count = int(_number(body.get("count"), name="count"))
    state = current_state()
    with state.lock:
        subject_set = state.world.subject_sets.get(as_id(body.get("subject_set_id")) or 0)
        if subject_set is None:
            raise ApiError(404, "There is no such subject set")
        for subject in plain(first_id, count, project_id=subject_set.project_id):
            state.world.subjects.setdefault(subject.id, subject)
            subject_set.subject_ids[subject.id] = None
        return jsonify(kept=len(subject_set.subject_ids))


def _switches(state: State) -> JSON:
    """Whether root, who owns the service's application, is an admin; whether adding a subject to a
    set twice is refused as it was long ago; how long new tokens are valid.
    """
    with state.lock:
        return {
            "service_account_admin": state.world.users[ROOT].admin,
            "legacy_duplicates": state.testing.legacy_duplicates,
            "token_seconds": state.grants.token_seconds,
        }


def _user(state: State, given: Any) -> User:
    user = state.world.users.get(as_id(given) or 0)
    if user is None:
        raise ApiError(404, f"Could not find user with id='{given}'")
    return user


def _body() -> JSON:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise ApiError(422, "The body must be a JSON object")
    return body


def _number(given: Any, *, name: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ApiError(422, f"{name} must be a number")
    return given


def _regex(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as problem:
        raise ApiError(422, f"Not a regular expression: {problem}") from None


def _done() -> Response:
    return Response(status=204)
