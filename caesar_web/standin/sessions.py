"""Logging in with a name and a password, as the Python client does."""

import secrets

from flask import Blueprint, Response, jsonify, request, session

from caesar_web.standin.rows import user_row
from caesar_web.standin.state import State, current_state
from caesar_web.standin.world import User

blueprint = Blueprint("sessions", __name__, url_prefix="/users")

# Everyone's. The people are made up and the stand-in listens on loopback only.
PASSWORD = "password"  # noqa: S105 - meant to be known


@blueprint.get("/sign_in")
def form() -> Response:
    answer = jsonify(login="/users/sign_in")
    answer.headers["X-CSRF-Token"] = secrets.token_urlsafe(32)
    return answer


@blueprint.post("/sign_in")
def sign_in() -> tuple[Response, int]:
    body = request.get_json(silent=True)
    asked = body.get("user") if isinstance(body, dict) else None
    asked = asked if isinstance(asked, dict) else {}
    state = current_state()
    with state.lock:
        login, password = str(asked.get("login", "")), str(asked.get("password", ""))
        user = check_password(state, login, password)
    if user is None:
        return jsonify(error="Invalid email or password."), 401
    session["user_id"] = user.id
    row = user_row(user)
    shown = {name: row[name] for name in ("id", "login", "display_name")}
    return jsonify(users=[shown], links={}, meta={}), 200


def check_password(state: State, login: str, password: str) -> User | None:
    """The person with that login or e-mail address, if the password is right."""
    user = state.world.user_by_login(login.removesuffix("@example.org"))
    return user if user and secrets.compare_digest(password.encode(), PASSWORD.encode()) else None
