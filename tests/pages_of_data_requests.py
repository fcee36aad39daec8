"""The pages of data requests with everything hostile in them."""

from typing import Any
from uuid import UUID

from caesar_web.access.exports import Exportable
from caesar_web.domain.exports import EXPORTS
from caesar_web.store.data_request_statements import Asked
from caesar_web.store.runs import DataRequest, Run
from caesar_web.store.snapshot import Reducible
from caesar_web.web.data_requests_shown import MARKS, Home, RequestShown
from caesar_web.web.forms import DataRequestForm
from tests.pages_of_workflows import HERE, MARKUP, NOON, Pages

WORKFLOW = Home(
    Exportable(Reducible("Workflow", 1), 2, MARKUP, True, frozenset()),
    "data_requests",
    {"workflow_id": 1},
)
PROJECT = Home(
    Exportable(Reducible("Project", 2), 2, MARKUP, True, frozenset()),
    "project_data_requests",
    {"project_id": 2},
)
PUBLIC = Home(
    Exportable(Reducible("Workflow", 1), 2, MARKUP, False, frozenset(EXPORTS)),
    "data_requests",
    {"workflow_id": 1},
)


def _shown(
    number: int, state: str, *, row: dict[str, Any], run: dict[str, Any], **over: Any
) -> RequestShown:
    """A request in a state; of its row and run only what the template looks at."""
    values = {
        "asked": Asked(
            DataRequest(id=UUID(int=number), created_at=NOON, expires_at=NOON, **row),
            Run(**{"status": state, "finished_at": NOON, "failed": 0, "done": 0, **run}),
        ),
        "title": MARKUP,
        "filters": (MARKUP, MARKUP),
        "mark": MARKS[state],
        "asked_by": MARKUP,
        "note": None,
        "size": "1.0 GB",
        "download": None,
        "may_stop": False,
        "may_repeat": False,
        "address": "/",
    }
    return RequestShown(**{**values, **over})


UNDER_WAY: dict[str, Any] = {"finished_at": None, "total": 2_000_000, "done": 1_234_567}
REQUESTS = [
    _shown(1, "waiting", row={}, run={"finished_at": None}, may_stop=True, asked_by=None),
    _shown(2, "running", row={}, run=UNDER_WAY, note=MARKUP, filters=()),
    _shown(3, "lost", row={}, run=UNDER_WAY, may_stop=True),
    _shown(4, "stopping", row={}, run={**UNDER_WAY, "total": 0}),
    _shown(5, "finished", row={"rows": 1_234_567}, run={"failed": 3}, download="/file"),
    _shown(6, "failed", row={}, run={}, note=MARKUP, may_repeat=True),
    _shown(7, "cancelled", row={}, run={}, may_repeat=True),
    _shown(8, "expired", row={"rows": 1}, run={}, may_repeat=True),
]


def _index(home: Home, *errors: str, **over: Any) -> dict[str, Any]:
    form = DataRequestForm()
    form.requested_data.choices = form.format.choices = []
    for field in form:
        field.errors = errors if field.name != "csrf_token" else []
    values = {"home": home, "form": form, "requests": [], "older": None, "this": "/", "part": "/"}
    return {**HERE, **values, **over}


DATA_REQUEST_PAGES: Pages = [
    ("data_requests/index.html", lambda: _index(WORKFLOW, MARKUP, requests=REQUESTS, older="/o")),
    ("data_requests/index.html", lambda: _index(PROJECT)),
    ("data_requests/index.html", lambda: _index(PUBLIC)),
    ("data_requests/show.html", lambda: {**HERE, "home": WORKFLOW, "one": REQUESTS[4]}),
]
DATA_REQUEST_LAYOUTS = {
    "data_requests/_layout.html",
    "data_requests/_list.html",
    "data_requests/_one.html",
}
