"""What went wrong, as a page for people and as clients know it for programs."""

import logging
from typing import Any

from flask import Flask, Response, redirect, request, session, url_for
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, ServiceUnavailable
from werkzeug.wrappers import Response as AnyResponse

from caesar_web.access import drafts, own_paths
from caesar_web.access.identity import BadToken, has_lost_session
from caesar_web.access.negotiation import wants_page
from caesar_web.access.permissions import Hidden, NotAllowed, NotSignedIn
from caesar_web.access.renewal import PanoptesAway
from caesar_web.api.rendering import as_response
from caesar_web.panoptes.bearer import KeysMissing
from caesar_web.storage.places import StorageProblem
from caesar_web.web import csrf, pages

DATABASE_AWAY = (OperationalError, InterfaceError, NoConnectionFree)
EXPLANATIONS = {
    400: "The request could not be understood.",
    403: "Your account may not do this.",
    404: "There is no such page, or it belongs to a project in which you are neither owner nor"
    " collaborator.",
    405: "This address is there, but not for this kind of request.",
    413: "What was sent is too large.",
    500: "This is a fault of ours. Nothing was changed. It has been written to the log.",
    503: "A service that this needs cannot be reached. Nothing was changed. Try again soon.",
}

AWAY_BUT_KEPT = (
    "Zooniverse cannot be reached. Nothing was changed, and what you typed is kept: open this page"
    " again soon, and you find it."
)

CANNOT_ASK = "Zooniverse cannot be asked whether you may do this. Nothing is saved. Try again soon."

log = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Answers every error in the way that its caller wants."""
    app.register_error_handler(HTTPException, answer)
    app.register_error_handler(NotSignedIn, _not_signed_in)
    app.register_error_handler(BadToken, _not_signed_in)
    app.register_error_handler(NotAllowed, _not_allowed)
    app.register_error_handler(Hidden, _hidden)
    app.register_error_handler(PanoptesAway, _panoptes_away)
    app.register_error_handler(KeysMissing, _panoptes_away)
    app.register_error_handler(StorageProblem, _storage_away)
    for trouble in DATABASE_AWAY:
        app.register_error_handler(trouble, _database_away)


def page(title: str, text: str, *, status: int, sign_in: bool = False) -> Response:
    """A page that says what went wrong and what to do next."""
    return pages.page("error.html", status=status, title=title, text=text, sign_in=sign_in)


def answer(problem: HTTPException) -> Response:
    """An error of HTTP. Clients know no other than 404 for what an address cannot do."""
    if isinstance(problem, MethodNotAllowed) and not wants_page():
        problem = NotFound()
    status = problem.code or 500
    if not wants_page():
        return as_response(_as_json(problem, status), status=status)
    if isinstance(problem, CSRFError):
        text = (
            "This form is too old, or was not sent from our page. Go back, reload, send it again."
        )
    else:
        text = EXPLANATIONS.get(status, problem.name)
    return page(problem.name, text, status=status)


def _as_json(problem: HTTPException, status: int) -> dict[str, Any]:
    """As clients have always known it; beside that why, where there is more to say."""
    known = {"status": status, "error": problem.name}
    if problem.description == type(problem).description:
        return known
    return {**known, "errors": [{"message": problem.description}]}


def _not_signed_in(problem: NotSignedIn | BadToken) -> AnyResponse:
    """Clients get a 401 whose body is empty, which they rely on; people are asked to sign in."""
    if not wants_page() or "Authorization" in request.headers:
        return Response(status=401, content_type="application/json")
    if request.method in ("GET", "HEAD"):
        own_paths.remember(own_paths.this_page())
        return redirect(url_for("sign_in.start"))
    return _sign_in_again()


def _sign_in_again() -> Response:
    """For a form whose session has ended: what it held is kept, if it came from our page."""
    if has_lost_session() and _is_kept():
        own_paths.remember(own_paths.this_page())
        text = "Your session has ended. What you typed is kept: sign in, and you find it again."
    else:
        text = "Nothing was changed: nobody is signed in. Sign in, and send it again."
    return page("Please sign in again", text, status=401, sign_in=True)


def _is_kept() -> bool:
    """Whether what a form held is kept for when its page is opened again."""
    has_page = request.url_rule is not None and "GET" in (request.url_rule.methods or ())
    return has_page and "person" in session and csrf.is_valid() and drafts.keep()


def _not_allowed(problem: NotAllowed) -> Response:
    if wants_page():
        return answer(problem)
    return Response(status=401, content_type="application/json")  # as clients know it


def _hidden(problem: Hidden) -> Response:
    if problem.as_empty:
        return as_response([])
    if wants_page():
        return answer(problem)
    return as_response({"error": problem.description}, status=404)


def _panoptes_away(problem: Exception) -> Response:
    log.error("nobody's permissions can be checked: %s", problem)
    if request.method == "POST" and wants_page() and _is_kept():
        return page("Service Unavailable", AWAY_BUT_KEPT, status=503)
    return answer(ServiceUnavailable())


def _storage_away(problem: StorageProblem) -> Response:
    log.error("exports cannot be reached: %s", problem)
    return answer(ServiceUnavailable())


def _database_away(problem: SQLAlchemyError) -> Response:
    """Nothing was written, so that whoever sent something may send it again."""
    log.error("the database is away: %s", getattr(problem, "orig", None) or problem)
    return answer(ServiceUnavailable())
