"""The JSON that clients read, as schemas, by their names in the API's description."""

from collections.abc import Iterable
from typing import Any

from caesar_web.domain.documents import WORKFLOW_STATUSES
from caesar_web.domain.events import LARGEST_ID
from caesar_web.domain.exports import EXPORTS
from caesar_web.domain.rules import RULES_APPLIED
from caesar_web.domain.series import MODES, TOPICS
from caesar_web.store.configuration import PROJECT_STATUSES

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
OBJECT: Schema = {"type": "object"}
ANYTHING: Schema = {}
ID: Schema = {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}
MOMENT: Schema = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
}


def one_of(names: Iterable[str]) -> Schema:
    """One of these texts."""
    return {"type": "string", "enum": list(names)}


def or_null(schema: Schema) -> Schema:
    """What may be absent."""
    return {"anyOf": [schema, {"type": "null"}]}


def ref(name: str) -> Schema:
    """The schema of that name; with `[]` a list of such."""
    if name.endswith("[]"):
        return {"type": "array", "items": ref(name.removesuffix("[]"))}
    return {"$ref": f"#/components/schemas/{name}"}


def answer(**members: Schema) -> Schema:
    """An object with these members, all of them and no other."""
    known = {"properties": members, "required": list(members)}
    return {"type": "object", **known, "additionalProperties": False}


MESSAGES: Schema = {"type": "array", "items": answer(message=TEXT), "minItems": 1}
ROW = {"created_at": MOMENT, "updated_at": MOMENT}
COUNTS = {
    f"{name}_count": COUNT
    for name in (
        *("extracts", "subject_reductions", "user_reductions", "subject_actions"),
        *("user_actions", "extractors", "reducers", "subject_rules", "user_rules"),
    )
}
RULE = {
    "id": ID,
    "workflow_id": ID,
    "condition": ANYTHING,
    "condition_array": {"type": ["array", "null"]},
    "condition_string": TEXT,
    "row_order": {"type": "integer"},
    **ROW,
}
EFFECT = {"id": ID, "action": TEXT, "config": OBJECT, **ROW}
REDUCTION = {
    "id": ID,
    "reducer_key": TEXT,
    "workflow_id": ID,
    "data": ANYTHING,
    "subgroup": TEXT,
    "lock_version": COUNT,
    "store": ANYTHING,
    "reducible_id": ID,
    "reducible_type": one_of(("Workflow", "Project")),
    **ROW,
}

ANSWERS: dict[str, Schema] = {
    "Anything": ANYTHING,
    "GraphQLAnswer": {
        "type": "object",
        "properties": {"data": {"type": ["object", "null"]}, "errors": {"type": "array"}},
        "additionalProperties": False,
    },
    "Errors": answer(errors=MESSAGES),
    "Error": {
        "type": "object",
        "properties": {"status": {"type": "integer"}, "error": TEXT, "errors": MESSAGES},
        "required": ["error"],
        "additionalProperties": False,
    },
    "Status": answer(
        sidekiq_queue_size=COUNT,
        newest_extract_date=or_null(MOMENT),
        newest_reduction_date=or_null(MOMENT),
        newest_action_date=or_null(MOMENT),
        commit_id=TEXT,
    ),
    "Session": {
        "anyOf": [
            answer(id={"type": "null"}, csrf_token=TEXT),
            {
                **answer(
                    id=ID,
                    login=TEXT,
                    display_name=TEXT,
                    admin=FLAG,
                    acts_as_admin=FLAG,
                    expires_at=MOMENT,
                ),
                "additionalProperties": TEXT,  # csrf_token, of those who come with a cookie
            },
        ]
    },
    "Health": answer(status={"const": "ok"}),
    "Readiness": answer(
        status=one_of(("ok", "failing")),
        failing={"type": "array", "items": one_of(("database", "schema", "redis"))},
    ),
    "Description": {"type": "object", "required": ["openapi", "paths"]},
    "Workflow": answer(
        id=ID,
        project_id=ID,
        public_extracts=FLAG,
        public_reductions=FLAG,
        rules_applied=one_of(RULES_APPLIED),
        status=one_of(WORKFLOW_STATUSES),
        **COUNTS,
        custom_queue_name=or_null(TEXT),
        name=or_null(TEXT),
        project_name=or_null(TEXT),
        stoplight_status=answer(
            failed_extractors=ref("Extractor[]"),
            failed_reducers=ref("Reducer[]"),
            failed_subject_rules=ref("SubjectRule[]"),
            failed_user_rules=ref("UserRule[]"),
        ),
        **ROW,
    ),
    "Project": answer(
        id=ID,
        reducers_config={"type": "null"},
        rules_config={"type": "null"},
        public_reductions=FLAG,
        display_name=or_null(TEXT),
        subject_reductions_count=COUNT,
        user_reductions_count=COUNT,
        reducers_count=COUNT,
        status=one_of(PROJECT_STATUSES),
        custom_queue_name=or_null(TEXT),
        **ROW,
    ),
    "Extractor": answer(
        id=ID,
        workflow_id=ID,
        key=TEXT,
        type=TEXT,
        config=OBJECT,
        minimum_workflow_version=or_null(TEXT),
        **ROW,
    ),
    "Reducer": answer(
        id=ID,
        workflow_id=ID,
        key=TEXT,
        type=TEXT,
        config=OBJECT,
        filters=OBJECT,
        topic=one_of(TOPICS),
        reduction_mode=one_of(MODES),
        grouping=OBJECT,
        reducible_id=ID,
        reducible_type=one_of(("Workflow", "Project")),
        user_reducer_keys=or_null({"type": "array", "items": TEXT}),
        subject_reducer_keys=or_null({"type": "array", "items": TEXT}),
        **ROW,
    ),
    "SubjectRule": answer(**RULE, topic={"const": "evaluate_by_subject"}),
    "UserRule": answer(**RULE),
    "SubjectRuleEffect": answer(**EFFECT, subject_rule_id=ID),
    "UserRuleEffect": answer(**EFFECT, user_rule_id=ID),
    "Extract": answer(
        id=ID,
        classification_id=or_null(ID),
        classification_at=MOMENT,
        extractor_key=TEXT,
        workflow_id=ID,
        user_id=or_null(ID),
        subject_id=ID,
        data=ANYTHING,
        project_id=or_null(ID),
        workflow_version=or_null(TEXT),
        machine_data=FLAG,
        relevant_reduction={"type": "null"},
        **ROW,
    ),
    "SubjectReduction": answer(**REDUCTION, subject_id=ID),
    "UserReduction": answer(**REDUCTION, user_id=ID),
    "Reduction": {"anyOf": [ref("SubjectReduction"), ref("UserReduction")]},
    "DataRequest": answer(
        id={"type": "string", "format": "uuid"},
        exportable_id=TEXT,
        exportable_type=one_of(("Workflow", "Project")),
        user_id=or_null(ID),
        subgroup=or_null(TEXT),
        status=one_of(("pending", "processing", "complete", "failed", "canceling", "canceled")),
        requested_data=one_of(name for name, kind in EXPORTS.items() if kind.in_contract),
        url=or_null(TEXT),
        updated_at={"type": "string", "pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$"},
    ),
}
