"""The JSON shapes that clients read (the wire contract of workflows, extracts and reductions)."""

from typing import Any

from flask import Response

from caesar_web.api import parts
from caesar_web.domain.classification import timestamp
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import dump_json
from caesar_web.store.effects import AnyEffect
from caesar_web.store.red_parts import RedParts
from caesar_web.store.results import Extract, SubjectReduction


def as_response(value: Any, *, status: int = 200) -> Response:
    return Response(dump_json(value), status, content_type="application/json; charset=utf-8")


def not_found(model: str, id: object) -> Response:
    """The 404 whose text the Python client looks for."""
    return as_response({"error": f"Couldn't find {model} with 'id'={id}"}, status=404)


def refused(status: int, *messages: str) -> Response:
    """What is wrong with a request, one sentence each."""
    return as_response({"errors": [{"message": each} for each in messages]}, status=status)


def workflow(row: Workflow, *, counts: dict[str, int], red: RedParts) -> dict[str, Any]:
    """A workflow; `counts` are those of its configured parts, of which some are `red`."""
    return {
        "id": row.id,
        "project_id": row.project_id,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
        "public_extracts": row.public_extracts,
        "public_reductions": row.public_reductions,
        "rules_applied": row.rules_applied,
        "status": row.status,
        "extracts_count": row.extracts_count,
        "subject_reductions_count": row.subject_reductions_count,
        "user_reductions_count": row.user_reductions_count,
        "subject_actions_count": row.subject_actions_count,
        "user_actions_count": row.user_actions_count,
        **counts,
        "custom_queue_name": row.custom_queue_name,
        "name": row.name,
        "project_name": row.project_name,
        "stoplight_status": parts.stoplight_status(red),
    }


def effect(row: AnyEffect) -> dict[str, Any]:
    """An effect without the id of its rule; its config has masks for what is secret."""
    return {
        "id": row.id,
        "action": row.action,
        "config": row.config,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
    }


def extract(row: Extract) -> dict[str, Any]:
    return {
        "id": row.id,
        "classification_id": row.classification_id,
        "classification_at": timestamp(row.classification_at),
        "extractor_key": row.extractor_key,
        "workflow_id": row.workflow_id,
        "user_id": row.user_id,
        "subject_id": row.subject_id,
        "data": row.data,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
        "project_id": row.project_id,
        "workflow_version": row.workflow_version,
        "machine_data": row.machine_data,
        "relevant_reduction": None,
    }


def subject_reduction(row: SubjectReduction) -> dict[str, Any]:
    return {
        "id": row.id,
        "reducer_key": row.reducer_key,
        "workflow_id": row.reducible_id,
        "subject_id": row.subject_id,
        "data": row.data,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
        "subgroup": row.subgroup,
        "lock_version": row.lock_version,
        "store": row.store,
        "reducible_id": row.reducible_id,
        "reducible_type": row.reducible_type,
    }
