"""What every page is given: who looks at it and where, its theme, its tabs, its static files."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Flask, current_app, g, request, url_for

from caesar_web.access import own_paths
from caesar_web.access.identity import identity_if_any
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
    ("History", "history.index"),
    ("Settings", "workflows.settings"),
)
OPERATION_TABS = (
    ("Now", "operations.now"),
    ("Failures", "failures.index"),
    ("Rejected events", "rejected.index"),
    ("Queues", "operations.choose_queue"),
)
BELOW = {"recipes": "rules"}  # pages that are another tab's

Tab = tuple[str, str, bool]


def register(app: Flask) -> None:
    """Gives templates their globals, and static files that can be kept a long time."""
    app.jinja_env.globals.update(
        link=links.link, asset=asset, workflow_tabs=workflow_tabs, operation_tabs=operation_tabs
    )
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
    }


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
