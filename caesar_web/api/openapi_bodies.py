"""The JSON that clients send, as schemas with an example each, by their names."""

from collections.abc import Iterable, Mapping
from typing import Any

from caesar_web.api.openapi_schemas import ID, OBJECT, TEXT, Schema, one_of
from caesar_web.domain.documents import WORKFLOW_STATUSES
from caesar_web.domain.effects import EFFECTS
from caesar_web.domain.exports import ALIASES, EXPORTS, FORMATS
from caesar_web.domain.extractors import EXTRACTORS
from caesar_web.domain.filters import FILTER_OPTIONS
from caesar_web.domain.grouping import GROUPING_OPTIONS
from caesar_web.domain.options import Option
from caesar_web.domain.reducers import REDUCERS
from caesar_web.domain.rules import RULES_APPLIED
from caesar_web.domain.series import MODES, TOPICS
from caesar_web.store.configuration import PROJECT_STATUSES

GIVEN_ID: Schema = {**ID, "type": ["integer", "string"], "pattern": r"^\d{1,19}$"}
KEY: Schema = {"type": "string", "pattern": r"^[^\s./\[\]]{1,200}$"}
FLAG: Schema = {"type": ["boolean", "string"], "description": "true or false, also as text"}
MOMENT: Schema = {"type": "string", "description": "in UTC where it does not say"}


def body(example: Mapping[str, Any], *required: str, **members: Schema) -> Schema:
    """What a client sends; members that nothing is known of are passed over."""
    needed = {"required": list(required)} if required else {"minProperties": 1}
    return {"type": "object", "properties": members, **needed, "examples": [dict(example)]}


def _options(known: Iterable[Option]) -> dict[str, Schema]:
    """Options, each with what it is called."""
    return {option.name: {"description": option.label} for option in known}


def _config(types: Iterable[Any]) -> dict[str, Schema]:
    """`config` with the options of all these types."""
    known = _options(option for one in types for option in one.options)
    return {"config": {"type": "object", "properties": known}}


def _settings(types: Iterable[Any]) -> dict[str, Schema]:
    """The same, with the options beside it too, where each is merged into what is there."""
    config = _config(types)
    return {**config, **config["config"]["properties"]}


def _effect(topic: str) -> dict[str, Schema]:
    known = {name: effect for name, effect in EFFECTS.items() if effect.topic == topic}
    return {"action": one_of(known), **_config(known.values())}


_WORKFLOW = {
    "status": one_of(WORKFLOW_STATUSES),
    "rules_applied": one_of(RULES_APPLIED),
    "public_extracts": FLAG,
    "public_reductions": FLAG,
}
_CONFIGURATION: dict[str, Schema] = {
    "extractors_config": {"type": ["object", "null"]},
    "reducers_config": {"type": ["object", "null"]},
    "rules_config": {"type": ["array", "null"]},
    "user_rules_config": {"type": ["array", "null"]},
}
_PROJECT = {"status": one_of(PROJECT_STATUSES), "public_reductions": FLAG}
_EXTRACTOR = {"key": KEY, "minimum_workflow_version": TEXT, **_settings(EXTRACTORS.values())}
_REDUCER = {
    "key": KEY,
    "topic": one_of(TOPICS),
    "reduction_mode": one_of(MODES),
    "filters": {"type": "object", "properties": _options(FILTER_OPTIONS)},
    "grouping": {"type": "object", "properties": _options(GROUPING_OPTIONS)},
    "user_reducer_keys": {"type": ["array", "string", "null"], "items": TEXT},
    "subject_reducer_keys": {"type": ["array", "string", "null"], "items": TEXT},
    **_settings(REDUCERS.values()),
}
_EXTRACTOR_TYPE = {"type": one_of(EXTRACTORS)}
_REDUCER_TYPE = {"type": one_of(REDUCERS)}
_REDUCTION = {"subgroup": {"type": "string", "minLength": 1, "maxLength": 200}, "data": OBJECT}

BODIES: dict[str, Schema] = {
    "GraphQLQuestion": body(
        {"query": "{ me { isLoggedIn } }"},
        "query",
        query=TEXT,
        variables={"type": ["object", "string", "null"]},
        operationName={"type": ["string", "null"]},
    ),
    "NewWorkflow": body({"id": 101}, "id", id=GIVEN_ID, **_WORKFLOW, **_CONFIGURATION),
    "WorkflowSettings": body(
        {"public_reductions": True},
        rerun=one_of(("extractors", "reducers")),
        **_WORKFLOW,
        **_CONFIGURATION,
    ),
    "NewProject": body({"id": 20}, "id", id=GIVEN_ID, **_PROJECT),
    "ProjectSettings": body({"public_reductions": True}, rerun=one_of(("reducers",)), **_PROJECT),
    "NewExtractor": body(
        {"type": "survey", "key": "species", "task_key": "T0"},
        *("type", "key"),
        **_EXTRACTOR_TYPE,
        **_EXTRACTOR,
    ),
    "ExtractorSettings": body({"minimum_workflow_version": "12.10"}, **_EXTRACTOR),
    "NewReducer": body(
        {"type": "stats", "key": "votes", "filters": {"extractor_keys": ["species"]}},
        *("type", "key"),
        **_REDUCER_TYPE,
        **_REDUCER,
    ),
    "ReducerSettings": body({"filters": {"repeated_classifications": "keep_last"}}, **_REDUCER),
    "Condition": body(
        {"condition": ["gte", ["lookup", "votes.LION", 0], ["const", 3]]},
        condition={"type": "array"},
        condition_string=TEXT,
    ),
    "NewSubjectRuleEffect": body(
        {"action": "retire_subject", "config": {"reason": "consensus"}},
        "action",
        **_effect("subject"),
    ),
    "NewUserRuleEffect": body(
        {"action": "promote_user", "config": {"workflow_id": 101}},
        *("action", "config"),
        **_effect("user"),
    ),
    "SubjectRuleEffectSettings": body({"config": {"subject_set_id": 7}}, **_effect("subject")),
    "UserRuleEffectSettings": body({"config": {"workflow_id": 101}}, **_effect("user")),
    "WrittenExtract": body(
        {"subject_id": 1001, "classification_id": 5, "data": {"LION": 1}},
        *("subject_id", "data"),
        subject_id=GIVEN_ID,
        classification_id=GIVEN_ID,
        classification_at=MOMENT,
        user_id=GIVEN_ID,
        data={"type": ["object", "array"]},
    ),
    "Predictions": body(
        {"file": "https://example.org/predictions.csv"},
        "file",
        file={"type": "string", "format": "uri"},
    ),
    "WrittenReduction": body(
        {"subject_id": 1001, "data": {"likelihood": 0.97}},
        subject_id=GIVEN_ID,
        user_id=GIVEN_ID,
        **_REDUCTION,
    ),
    "WrittenUserReduction": body(
        {"user_id": 1000, "data": {"skill": 0.8}}, user_id=GIVEN_ID, **_REDUCTION
    ),
    "NewDataRequest": body(
        {"requested_data": "subject_reductions"},
        "requested_data",
        requested_data=one_of(
            (*(name for name, kind in EXPORTS.items() if kind.in_contract), *ALIASES)
        ),
        subgroup=TEXT,
        user_id=GIVEN_ID,
        key=TEXT,
        format=one_of(FORMATS),
        gzip=FLAG,
        **{"from": MOMENT, "to": MOMENT},
    ),
    "Events": body({"payload": []}, "payload", payload={"type": "array", "maxItems": 10_000}),
}
