"""The JSON shapes of a workflow's parts: extractors, reducers and rules, as clients know them."""

from typing import Any

from caesar_web.domain.classification import timestamp
from caesar_web.domain.conditions import Node, parse_text
from caesar_web.store.configuration import Extractor, Reducer, SubjectRule
from caesar_web.store.effects import AnyRule
from caesar_web.store.red_parts import RedParts

_TRANSFORMS = {"int": "to_i", "float": "to_f"}


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
    """A reducer; `workflow_id` holds the project's id where it is of a project."""
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
    }


def rule(row: AnyRule) -> dict[str, Any]:
    """A rule; only subject rules have a topic."""
    parsed = parse_text(row.condition)
    topic = {"topic": "evaluate_by_subject"} if isinstance(row, SubjectRule) else {}
    return {
        "id": row.id,
        "workflow_id": row.workflow_id,
        "condition": None if parsed is None else condition(parsed),
        "condition_string": row.condition,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
        **topic,
        "row_order": row.row_order,
    }


def condition(node: Node) -> dict[str, Any]:
    """A condition as clients read it; `type` also where they had to guess."""
    operands = [condition(operand) for operand in node.operands]
    match node.operator:
        case "const":
            return {"value": node.arguments[0]}
        case "lookup":
            return {"key": node.arguments[0], "absent_val": node.arguments[1]}
        case "not":
            return {"type": "not", "operation": operands[0]}
        case "any" | "all":
            named = {"type": node.operator, "dict_name": node.arguments[0]}
            return {**named, "operation": operands[0]}
        case "upcase" | "downcase" | "int" | "to_i" | "float" | "to_f":
            transform = _TRANSFORMS.get(node.operator, node.operator)
            return {"transform": transform, "operation": operands[0]}
    return {"type": node.operator, "operations": operands}
