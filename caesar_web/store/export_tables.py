"""Which columns of which tables exports have, in the order that clients know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, select

from caesar_web.domain.export_cells import FLAG, MOMENT, NUMBER, TEXT, Column
from caesar_web.domain.exports import Export
from caesar_web.store.activity import SubjectAction, UserAction
from caesar_web.store.configuration import Workflow
from caesar_web.store.results import Extract, SubjectReduction, UserReduction
from caesar_web.store.snapshot import Reducible

_NUMBERS = {"lock_version", "effect_revision", "occurrence", "attempts"}
_FLAGS = {"machine_data"}


@dataclass(frozen=True)
class ExportTable:
    """A table that can be exported. `data` are its columns of JSON; the first makes columns.

    `moment` is what the filters by time look at, `key` which extractor or reducer made a row.
    """

    model: Any
    columns: tuple[Column, ...]
    data: tuple[str, ...]
    moment: str
    key: str | None = None

    def column(self, name: str) -> Any:
        """The column, or what stands for it."""
        if name == "workflow_id" and not hasattr(self.model, name):
            is_of_workflow = self.model.reducible_type == "Workflow"
            return case((is_of_workflow, self.model.reducible_id))
        return getattr(self.model, name)


def _columns(names: str) -> tuple[Column, ...]:
    return tuple(Column(name, _kind(name)) for name in names.split())


def _kind(name: str) -> str:
    if name.endswith("_at"):
        return MOMENT
    if name in _FLAGS:
        return FLAG
    return NUMBER if name == "id" or name.endswith("_id") or name in _NUMBERS else TEXT


def _action(model: Any, target: str) -> ExportTable:
    columns = _columns(
        f"id workflow_id {target} rule_id effect_id effect_revision occurrence effect_type status"
        " attempts attempted_at completed_at last_error created_at updated_at"
    )
    return ExportTable(model, columns, ("config",), "created_at")


EXPORT_TABLES: Mapping[str, ExportTable] = {
    "extracts": ExportTable(
        Extract,
        _columns(
            "id classification_id classification_at extractor_key workflow_id user_id subject_id"
            " created_at updated_at project_id workflow_version machine_data"
        ),
        ("data",),
        "classification_at",
        "extractor_key",
    ),
    "subject_reductions": ExportTable(
        SubjectReduction,
        _columns(
            "id reducer_key workflow_id subject_id created_at updated_at subgroup lock_version"
            " reducible_id reducible_type"
        ),
        ("data", "store"),
        "updated_at",
        "reducer_key",
    ),
    "user_reductions": ExportTable(
        UserReduction,
        _columns(
            "id reducer_key workflow_id user_id subgroup created_at updated_at lock_version"
            " reducible_id reducible_type"
        ),
        ("data", "store"),
        "updated_at",
        "reducer_key",
    ),
    "subject_actions": _action(SubjectAction, "subject_id"),
    "user_actions": _action(UserAction, "user_id"),
}


def scope_of(table: ExportTable, reducible: Reducible) -> Any:
    """Which rows are of a workflow or a project, whose actions are those of its workflows."""
    model = table.model
    if hasattr(model, "reducible_type"):
        return (model.reducible_type == reducible.type) & (model.reducible_id == reducible.id)
    if reducible.type == "Workflow":
        return model.workflow_id == reducible.id
    if hasattr(model, "project_id"):
        return model.project_id == reducible.id
    return model.workflow_id.in_(select(Workflow.id).where(Workflow.project_id == reducible.id))


def is_indexed(table: ExportTable, reducible: Reducible) -> bool:
    """Whether the next row of the scope is found without looking at all that are between."""
    return reducible.type == "Workflow" or hasattr(table.model, "reducible_type")


def filters_of(table: ExportTable, export: Export) -> Sequence[Any]:
    """The conditions that an export narrows its rows down by."""
    moment: Any = getattr(table.model, table.moment)
    conditions = []
    if export.subgroup is not None:
        conditions.append(table.model.subgroup == export.subgroup)
    if export.user_id is not None:
        conditions.append(table.model.user_id == export.user_id)
    if export.key is not None and table.key is not None:
        conditions.append(getattr(table.model, table.key) == export.key)
    if export.since is not None:
        conditions.append(moment >= export.since)
    if export.until is not None:
        conditions.append(moment < export.until)
    return conditions
