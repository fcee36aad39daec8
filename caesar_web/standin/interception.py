"""What happens to a request before and after it is answered: it is logged, and faults strike."""

import re
import socket
import time
from typing import Any

from flask import Flask, Response, g, request

from caesar_web.standin.access import caller
from caesar_web.standin.envelope import problem
from caesar_web.standin.state import Fault, State, current_state
from caesar_web.standin.world import JSON

CONTROL_PREFIX = "/_stub/"
LOGGED_BODY = 64 * 1024
SECRET_FIELDS = ("client_secret", "password")


def install(app: Flask) -> None:
    """Logs each request but those of tests to the stand-in itself, and lets faults strike them."""
    app.before_request(_note)
    app.before_request(_strike)
    app.after_request(_note_status)


def _note() -> None:
    # Read it whole, wanted or not: a server that closes on unread bytes resets the connection.
    request.get_data(cache=True, parse_form_data=False)
    if request.path.startswith(CONTROL_PREFIX):
        return
    user = caller().user
    entry: JSON = {
        "method": request.method,
        "path": request.path,
        "query": request.query_string.decode(errors="replace"),
        "accept": request.headers.get("Accept"),
        "content_type": request.headers.get("Content-Type"),
        "if_match": request.headers.get("If-Match"),
        "user": user.id if user else None,
        "body": _logged_body(),
        "status": None,
    }
    state = current_state()
    with state.lock:
        state.testing.log.append(entry)
    g.log_entry = entry


def _note_status(response: Response) -> Response:
    entry = g.get("log_entry")
    if entry is not None and not g.get("dropped"):
        entry["status"] = response.status_code
    return response


def _logged_body() -> Any:
    data = request.get_data(cache=True)
    if not data:
        return None
    if len(data) > LOGGED_BODY:
        return f"({len(data)} bytes)"
    if request.mimetype == "application/x-www-form-urlencoded":
        form = request.form.to_dict()
        return {name: "..." if name in SECRET_FIELDS else text for name, text in form.items()}
    parsed = request.get_json(silent=True) if request.is_json else None
    return data.decode(errors="replace") if parsed is None else parsed


def _strike() -> Response | None:
    if request.path.startswith(CONTROL_PREFIX):
        return None
    fault = _due_fault(current_state())
    if fault is None:
        return None
    time.sleep(fault.delay)
    if fault.drop:
        return _drop()
    return None if fault.status is None else problem(fault.status, fault.message)


def _due_fault(state: State) -> Fault | None:
    """The oldest fault that fits the request; one that has struck often enough goes."""
    with state.lock:
        for fault in state.testing.faults:
            if fault.method in (None, request.method) and re.search(fault.path_regex, request.path):
                fault.times -= fault.times > 0
                if fault.times == 0:
                    state.testing.faults.remove(fault)
                return fault
    return None


def _drop() -> Response:
    """Ends the connection under the server, so that what it answers reaches nobody."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
    g.dropped = True
    return Response(status=204)
