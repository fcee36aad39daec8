"""The JSON shapes that clients read (the wire contract of workflows, extracts and reductions)."""

from typing import Any

from flask import Response

from caesar_web.domain.classification import timestamp
from caesar_web.domain.condition_shapes import as_object
from caesar_web.domain.conditions import parse_text
from caesar_web.pipeline import payloads
from caesar_web.store.configuration import Extractor, Project, Reducer, SubjectRule, Workflow
from caesar_web.store.db import dump_json, load_json
from caesar_web.store.effects import AnyEffect, AnyRule
from caesar_web.store.red_parts import RedParts
from caesar_web.store.results import Extract, SubjectReduction, UserReduction


def as_response(value: Any, *, status: int = 200) -> Response:
    return Response(dump_json(value), status, content_type="application/json; charset=utf-8")


def not_found(model: str, id: object) -> Response:
    """The 404 whose text the Python client looks for."""
    return as_response({"error": f"Couldn't find {model} with 'id'={id}"}, status=404)


def refused(status: int, *messages: str) -> Response:
    """What is wrong with a request, one sentence each."""
    return as_response({"errors": [{"message": each} for each in messages]}, status=status)


def no_content(*, location: str | None = None) -> Response:
    """The 204 of what is done, without a body."""
    headers = {} if location is None else {"Location": location}
    return Response(status=204, headers=headers, content_type="application/json")


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
        "stoplight_status": stoplight_status(red),
    }


def stoplight_status(red: RedParts) -> dict[str, Any]:
    """What of a workflow is red now."""
    return {
        "failed_extractors": [extractor(row) for row in red.extractors],
        "failed_reducers": [reducer(row) for row in red.reducers],
        "failed_subject_rules": [rule(row) for row in red.subject_rules],
        "failed_user_rules": [rule(row) for row in red.user_rules],
    }


def extractor(row: Extractor) -> dict[str, Any]:
    return {
        "id": row.id,
        "workflow_id": row.workflow_id,
        "key": row.key,
        "type": row.type,
        "config": row.config,
        "minimum_workflow_version": row.minimum_workflow_version,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
    }


def reducer(row: Reducer) -> dict[str, Any]:
    """A reducer; for one of a project, `workflow_id` is the project's id, as clients know it."""
    return {
        "id": row.id,
        "workflow_id": row.reducible_id,
        "key": row.key,
        "type": row.type,
        "config": row.config,
        "filters": row.filters,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
        "topic": row.topic,
        "reduction_mode": row.reduction_mode,
        "grouping": row.grouping,
        "reducible_id": row.reducible_id,
        "reducible_type": row.reducible_type,
        "user_reducer_keys": row.user_reducer_keys,
        "subject_reducer_keys": row.subject_reducer_keys,
    }


def rule(row: AnyRule) -> dict[str, Any]:
    """A rule: its condition as clients read it, as the list that it is, and to the letter."""
    topic = {"topic": "evaluate_by_subject"} if isinstance(row, SubjectRule) else {}
    return {
        "id": row.id,
        "workflow_id": row.workflow_id,
        "condition": as_object(parse_text(row.condition)),
        "condition_array": _array(row.condition),
        "condition_string": row.condition,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
        **topic,
        "row_order": row.row_order,
    }


def _array(text: str) -> Any:
    """The JSON of a condition as it is stored; None where that is none, as in old databases."""
    try:
        return load_json(text)
    except (ValueError, RecursionError):
        return None


def project(row: Project, *, reducers_count: int) -> dict[str, Any]:
    return {
        "id": row.id,
        "reducers_config": None,
        "rules_config": None,
        "public_reductions": row.public_reductions,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
        "display_name": row.display_name,
        "subject_reductions_count": row.subject_reductions_count,
        "user_reductions_count": row.user_reductions_count,
        "reducers_count": reducers_count,
        "status": row.status,
        "custom_queue_name": row.custom_queue_name,
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
    return payloads.extract(row)


def reduction(row: SubjectReduction | UserReduction) -> dict[str, Any]:
    if isinstance(row, SubjectReduction):
        target = {"subject_id": row.subject_id}
    else:
        target = {"user_id": row.user_id}
    return {
        "id": row.id,
        "reducer_key": row.reducer_key,
        "workflow_id": row.reducible_id,
        **target,
        "data": row.data,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
        "subgroup": row.subgroup,
        "lock_version": row.lock_version,
        "store": row.store,
        "reducible_id": row.reducible_id,
        "reducible_type": row.reducible_type,
    }
