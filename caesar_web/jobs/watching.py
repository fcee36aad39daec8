"""The watch: workflow after workflow is looked at each hour, and whoever wants to know is told."""

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import current_app

from caesar_web.config import Config
from caesar_web.domain.tasks import read_tasks
from caesar_web.external.http import ExternalError
from caesar_web.jobs import tasks
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.pipeline.watching import AtPanoptes, watch
from caesar_web.store import alarm_statements as statements
from caesar_web.store import inbox_statements as inbox

WORKFLOWS_AT_ONCE = 20
TOLD_AT_ONCE = 20
ROUND_SECONDS = 3600.0

log = logging.getLogger(__name__)


@dataclass
class _Round:
    """How far this process has got with looking at every workflow, and when it began."""

    began: float = -ROUND_SECONDS
    reached: int = 0


def look_around() -> None:
    """Looks at some workflows, a few at a time and each once an hour, and tells of alarms."""
    going = tasks.once(_Round, _Round)
    if going.reached or time.monotonic() >= going.began + ROUND_SECONDS:
        _go_on(going)
    tell()


def _go_on(going: _Round) -> None:
    if not going.reached:
        going.began = time.monotonic()
    with tasks.transaction() as session:
        waiting = set(inbox.workflows_waiting(session))
        ids = statements.active_workflows(session, after=going.reached, most=WORKFLOWS_AT_ONCE)
    for workflow_id in ids:
        look_at(workflow_id, waits=workflow_id in waiting)
    going.reached = ids[-1] if len(ids) == WORKFLOWS_AT_ONCE else 0


def look_at(workflow_id: int, *, waits: bool) -> None:
    """Raises and clears the alarms of one workflow."""
    at_panoptes = _ask(workflow_id)  # with no transaction open, as that can take long
    with tasks.transaction() as session:
        watch(
            session,
            workflow_id,
            at_panoptes,
            panoptes_host=tasks.panoptes_host(),
            waits=waits,
            now=datetime.now(UTC),
        )


def tell() -> None:
    """Posts each alarm once to the address of the settings; one that is away is asked again."""
    config: Config = current_app.extensions["caesar_config"]
    if not config.alarm_webhook:
        return
    with tasks.transaction() as session:
        untold = [_told(row) for row in statements.untold(session, most=TOLD_AT_ONCE)]
    for alarm_id, raised_at, body in untold:
        try:
            tasks.external().post(config.alarm_webhook, body)
        except ExternalError as problem:
            log.warning("an alarm could not be told: %s", problem.message)
            return
        with tasks.transaction() as session:
            statements.told(session, alarm_id, raised_at=raised_at, now=datetime.now(UTC))


def _told(row: Any) -> tuple[int, datetime, dict[str, Any]]:
    """An alarm as it is posted; `text` is what chat services show."""
    body = {
        "workflow_id": row.workflow_id,
        "kind": row.kind,
        "name": row.name,
        "message": row.message,
        "raised_at": row.raised_at.isoformat(),
        "text": f"Workflow {row.workflow_id}: {row.message}",
    }
    return row.id, row.raised_at, body


def _ask(workflow_id: int) -> AtPanoptes:
    try:
        row = tasks.panoptes().workflow(workflow_id)
    except PanoptesError as problem:
        log.info("workflow %s is watched without its tasks: %s", workflow_id, problem)
        return AtPanoptes()
    takes_part = row.get("active") is not False and not row.get("finished_at")
    return AtPanoptes(read_tasks(row.get("tasks"), row.get("strings")), takes_part)
