"""The stand-in as one Flask application."""

import hashlib

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from caesar_web.standin import (
    hooks,
    interception,
    oauth,
    pictures,
    reads,
    sessions,
    testing,
    writes,
    writings,
)
from caesar_web.standin.envelope import ApiError, problem
from caesar_web.standin.state import Settings, State

API_PREFIX = "/api/"
ACCEPT = "application/vnd.api+json;version=1"
BODY_TYPES = ("application/json", "application/vnd.api+json")
BODY_TYPES_ONLY = f"Only requests with Content-Type: {' or '.join(BODY_TYPES)} are allowed"
BODY_BOUND = 64 * 1024 * 1024


def create_standin(settings: Settings) -> Flask:
    """A stand-in Panoptes with a world of its own."""
    app = Flask(__name__, static_folder=None, template_folder=None)
    secret = hashlib.sha256(settings.keys.private_pem.encode()).hexdigest()
    app.config.update(
        SECRET_KEY=secret,
        # Cookies know no ports: this one must not take the place of the application's own.
        SESSION_COOKIE_NAME="_Panoptes_session",
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=BODY_BOUND,
        TRUSTED_HOSTS=["127.0.0.1", "localhost", "[::1]"],  # no page elsewhere may be its front
    )
    app.extensions["standin"] = State(settings)
    interception.install(app)
    app.before_request(_check_api_headers)
    app.register_error_handler(ApiError, _api_error)
    app.register_error_handler(HTTPException, _http_error)
    for module in (oauth, sessions, reads, writes, pictures, writings, testing, hooks):
        app.register_blueprint(module.blueprint)
    return app


def _check_api_headers() -> None:
    if not request.path.startswith(API_PREFIX):
        return
    accepted = request.headers.get("Accept", "").replace(" ", "").split(",")
    if ACCEPT not in accepted:
        raise ApiError(404, "Not Found")
    if request.method in ("POST", "PUT", "PATCH") and request.mimetype not in BODY_TYPES:
        raise ApiError(415, BODY_TYPES_ONLY)


def _api_error(error: ApiError) -> Response:
    return problem(error.status, error.message, headers=error.headers)


def _http_error(error: HTTPException) -> Response:
    return problem(error.code or 500, error.name)
