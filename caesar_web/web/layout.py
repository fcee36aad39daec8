"""What every page is given: who looks at it and where, its theme, its tabs, its static files."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Flask, current_app, g, request, url_for
from sqlalchemy.exc import SQLAlchemyError

from caesar_web.access import own_paths
from caesar_web.access.identity import identity_if_any
from caesar_web.access.negotiation import wants_page
from caesar_web.domain.events import LARGEST_ID
from caesar_web.store.activity import Freeze
from caesar_web.store.freeze_statements import EVERYWHERE, freezes
from caesar_web.store.queries import reading
from caesar_web.store.snapshot import Reducible
from caesar_web.web import links

THEMES = ("system", "light", "dark")
A_YEAR = 365 * 24 * 3600

WORKFLOW_TABS = (
    ("Overview", "workflows.show"),
    ("Extractors", "extractors.index"),
    ("Reducers", "reducers.index"),
    ("Rules", "rules.index"),
    ("Subjects", "subjects.index"),
    ("Users", "users.index"),
    ("Activity", "activity.index"),
    ("Runs", "runs.index"),
    ("Data requests", "data_requests.index"),
    ("History", "history.index"),
    ("Settings", "workflows.settings"),
)
OPERATION_TABS = (
    ("Now", "operations.now"),
    ("Failures", "failures.index"),
    ("Rejected events", "rejected.index"),
    ("Queues", "operations.choose_queue"),
    ("GraphQL", "graphql_page.ask"),
)
BELOW = {"recipes": "rules"}  # pages that are another tab's

Tab = tuple[str, str, bool]


@dataclass(frozen=True)
class Frozen:
    """A freeze as banners tell of it: what it is of, its page, by whom and since when."""

    of: str
    address: str
    by: str
    since: datetime


def register(app: Flask) -> None:
    """Gives templates their globals, and static files that can be kept a long time."""
    app.jinja_env.globals.update(
        link=links.link, asset=asset, workflow_tabs=workflow_tabs, operation_tabs=operation_tabs
    )
    app.before_request(_find_freezes)
    app.context_processor(_of_this_request)
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = _seconds_to_keep


def asset(name: str) -> str:
    """The address of a static file, which changes with what is in it."""
    path = Path(str(current_app.static_folder)) / name
    return url_for("static", filename=name, v=_digest(path, path.stat().st_mtime_ns))


def workflow_tabs(workflow_id: int) -> list[Tab]:
    """The parts of a workflow, each with its address, and whether it is this page's."""
    return [
        (text, url_for(endpoint, workflow_id=workflow_id), _is_here(endpoint))
        for text, endpoint in WORKFLOW_TABS
    ]


def operation_tabs() -> list[Tab]:
    """The pages of operators, as those of a workflow."""
    return [(text, url_for(endpoint), _is_here(endpoint)) for text, endpoint in OPERATION_TABS]


def theme() -> str:
    """The theme that this browser has chosen."""
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in THEMES else THEMES[0]


def _of_this_request() -> dict[str, Any]:
    return {
        "caller": identity_if_any(),
        "place": g.get("place"),
        "theme": theme(),
        "here": own_paths.this_page(),
        "freezes": g.get("freezes", ()),
    }


def _find_freezes() -> None:
    """What is frozen of what this page is about; views have transactions open when it is made."""
    if not wants_page() or request.endpoint in (None, "static"):
        return
    of = [EVERYWHERE]
    if place := g.get("place"):
        own = (Reducible("Project", place.project_id), Reducible("Workflow", place.workflow_id))
        of += own
    elif (project_id := (request.view_args or {}).get("project_id")) is not None:
        of.append(Reducible("Project", min(project_id, LARGEST_ID)))
    with suppress(SQLAlchemyError), reading() as session:  # a page without a database says so
        g.freezes = [_frozen(row) for row in freezes(session, of)]


def _is_here(endpoint: str) -> bool:
    """Whether this page is that tab's, or one of those below it."""
    if endpoint.startswith(("workflows.", "operations.")):
        return request.endpoint == endpoint
    module = (request.endpoint or "").partition(".")[0]
    return endpoint.startswith(f"{BELOW.get(module, module)}.")


@cache
def _digest(path: Path, changed_at: int) -> str:
    return sha256(path.read_bytes()).hexdigest()[:12]


def _seconds_to_keep(name: str | None) -> int | None:
    """With the digest in the address, a static file never changes; else it is asked for anew."""
    return A_YEAR if "v" in request.args else None


def _frozen(row: Freeze) -> Frozen:
    where = {f"{row.reducible_type.lower()}_id": row.reducible_id} if row.reducible_id else {}
    name = f"of_{row.reducible_type.lower()}" if where else "everywhere"
    named: dict[str, Any] = where
    address = url_for(f"freezes.{name}", **named)
    return Frozen(row.reducible_type, address, row.frozen_by, row.created_at)
