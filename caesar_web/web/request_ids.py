"""An id for every request: logs name it, and the answer tells it, so that people can quote it."""

import re
import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from flask import request

from caesar_web import logs

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HEADER = "X-Request-Id"
SANE = re.compile(r"[A-Za-z0-9._:=-]{8,100}")  # as proxies and load balancers make them


def with_ids(
    application: "WSGIApplication", *, make: Callable[[], str] = lambda: secrets.token_hex(8)
) -> "WSGIApplication":
    """The application; its logs and answers have the id that came with a request, or a new one."""

    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        id = given if SANE.fullmatch(given) else make()

        def start_with_id(status: str, headers: list[tuple[str, str]], *rest: object) -> object:
            return start(status, [*headers, (HEADER, id)], *rest)  # type: ignore[arg-type]  # passed on

        with logs.bound(request=id):
            return application(environ, start_with_id)  # type: ignore[arg-type]  # one more header

    return answer


def name_what_it_is_about() -> None:
    """Before a request is answered: the workflow and subject in its path, for the logs."""
    named = request.view_args or {}
    logs.bind(workflow=named.get("workflow_id"), subject=named.get("subject_id"))
