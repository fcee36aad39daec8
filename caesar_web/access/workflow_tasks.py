"""The tasks of a workflow as Panoptes has them now, for pages that name questions and answers."""

import re
from dataclasses import dataclass
from typing import Any

from caesar_web.access import parts
from caesar_web.access.remembering import asked
from caesar_web.domain.tasks import Task, read_tasks

AWAY = "The workflow’s tasks cannot be read from Zooniverse at the moment."


@dataclass(frozen=True)
class WorkflowTasks:
    """A workflow's tasks and their version. A `problem` says why they are not known."""

    tasks: tuple[Task, ...]
    version: str | None
    problem: str | None = None


def tasks_of(workflow_id: int) -> WorkflowTasks:
    """The tasks of a workflow that the caller may see, which the caller has made sure of."""

    def ask() -> WorkflowTasks:
        row = parts.swift_panoptes().workflow(workflow_id)
        return WorkflowTasks(
            read_tasks(row.get("tasks"), row.get("strings")), _version(row.get("version"))
        )

    return asked(("tasks", workflow_id), ask, otherwise=WorkflowTasks((), None, problem=AWAY))


def _version(value: Any) -> str | None:
    is_version = isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value)
    return value if is_version else None
