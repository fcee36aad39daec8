"""What each route for programs takes and gives, beyond what its path and permission say."""

from typing import NamedTuple

PAGES = ("page", "page_size")


class Operation(NamedTuple):
    """The names of the schemas of its answer and of its body, `[]` for a list of them.

    `within` is what the body may be wrapped in, `asks` are the parameters of the query, `also` the
    statuses that few routes have; the 404 of a silent one may have no body. `{Topic}` and `{topic}`
    are the subject or user of the path.
    """

    gives: str = ""
    takes: str = ""
    within: str = ""
    status: int = 200
    asks: tuple[str, ...] = ()
    also: tuple[int, ...] = ()
    is_silent: bool = False


REMOVED = Operation(status=204)
UNDESCRIBED = Operation("Anything", "Anything")
READ_OF_SUBJECT = Operation("SubjectReduction[]", asks=("subject_id", "reducer_key", *PAGES))
READ_OF_USER = Operation("UserReduction[]", asks=("user_id", "reducer_key", *PAGES))
WRITTEN = Operation("Reduction", "WrittenReduction", "reduction")
WRITTEN_OF_USER = Operation("UserReduction", "WrittenUserReduction", "reduction")

OPERATIONS: dict[str, Operation] = {
    "GET status.status": Operation("Status"),
    "GET sign_in.who": Operation("Session"),
    "GET probes.healthz": Operation("Health"),
    "GET probes.readyz": Operation("Readiness", also=(503,)),
    "GET metrics.metrics": Operation(also=(401, 404)),
    "GET openapi.described": Operation("Description"),
    "POST graphql.ask": Operation(
        "GraphQLAnswer", "GraphQLQuestion", also=(401, 404), is_silent=True
    ),
    "POST stream.kinesis": Operation(takes="Events", status=204),
    "GET workflows.index": Operation("Workflow[]"),
    "POST workflows.create": Operation("Workflow", "NewWorkflow", "workflow", also=(302, 403)),
    "GET workflows.show": Operation("Workflow"),
    "PUT workflows.update": Operation("", "WorkflowSettings", "workflow", 204),
    "GET projects.index": Operation("Project[]"),
    "POST projects.create": Operation("Project", "NewProject", "project", 201, also=(302, 403)),
    "GET projects.show": Operation("Project"),
    "PUT projects.update": Operation("", "ProjectSettings", "project", 204),
    "GET extractors.index": Operation("Extractor[]"),
    "GET extractors.edit": Operation("Extractor"),
    "POST parts_api.create_extractor": Operation("Extractor", "NewExtractor", "extractor"),
    "PUT parts_api.update_extractor": Operation("", "ExtractorSettings", "extractor", 204),
    "DELETE parts_api.remove_extractor": REMOVED,
    "GET reducers.index": Operation("Reducer[]"),
    "GET reducers.edit": Operation("Reducer"),
    "POST parts_api.create_reducer": Operation("Reducer", "NewReducer", "reducer"),
    "PUT parts_api.update_reducer": Operation("", "ReducerSettings", "reducer", 204),
    "DELETE parts_api.remove_reducer": REMOVED,
    "GET project_reducers.index": Operation("Reducer[]"),
    "GET project_reducers.edit": Operation("Reducer"),
    "POST parts_api.create_reducer_of_project": Operation("Reducer", "NewReducer", "reducer"),
    "PUT parts_api.update_reducer_of_project": Operation("", "ReducerSettings", "reducer", 204),
    "DELETE parts_api.remove_reducer_of_project": REMOVED,
    "GET rules_api.index": Operation("{Topic}Rule[]"),
    "GET rules.edit": Operation("{Topic}Rule"),
    "POST rules_api.create": Operation("{Topic}Rule", "Condition", "{topic}_rule"),
    "PUT rules_api.update": Operation("{Topic}Rule", "Condition", "{topic}_rule"),
    "DELETE rules_api.remove": REMOVED,
    "GET effects.index": Operation("{Topic}RuleEffect[]"),
    "GET effects.show": Operation("{Topic}RuleEffect"),
    "POST effects.create": Operation(
        "{Topic}RuleEffect", "New{Topic}RuleEffect", "{topic}_rule_effect"
    ),
    "PUT effects.update": Operation("", "{Topic}RuleEffectSettings", "{topic}_rule_effect", 204),
    "DELETE effects.remove": REMOVED,
    "GET extracts.index": Operation("Extract[]", asks=("subject_id", *PAGES)),
    "POST extracts.write": Operation("Extract", "WrittenExtract", "extract"),
    "PUT extracts.write": Operation("Extract", "WrittenExtract", "extract"),
    "POST extracts.import_predictions": Operation("", "Predictions", "extract", 204),
    "GET reductions.of_subject": READ_OF_SUBJECT,
    "GET reductions.of_subject_in_project": READ_OF_SUBJECT,
    "GET reductions.of_user": READ_OF_USER,
    "GET reductions.of_user_in_project": READ_OF_USER,
    "PUT reductions.write_of_subject": WRITTEN,
    "POST reductions.write_of_subject": WRITTEN,
    "PUT reductions.write_of_subject_in_project": WRITTEN,
    "POST reductions.write_of_subject_in_project": WRITTEN,
    "PUT reductions.write_of_user": WRITTEN_OF_USER,
    "POST reductions.write_of_user": WRITTEN_OF_USER,
    "PUT reductions.write_of_user_in_project": WRITTEN_OF_USER,
    "POST reductions.write_of_user_in_project": WRITTEN_OF_USER,
} | {
    f"{method} {pages}.{view}": operation
    for pages in ("data_requests", "project_data_requests")
    for method, view, operation in (
        (
            "GET",
            "index",
            Operation("DataRequest[]", asks=("requested_data", "subgroup"), is_silent=True),
        ),
        ("GET", "show", Operation("DataRequest", is_silent=True)),
        (
            *("POST", "create"),
            Operation(
                "DataRequest", "NewDataRequest", "data_request", 201, also=(429,), is_silent=True
            ),
        ),
    )
}


def operation_of(method: str, endpoint: str, module: str) -> Operation | None:
    """What is known of a route; None where only people are answered there, with a page.

    A view of this package is for programs, described or not. Of the others, those are that answer
    programs too, and so are in the table: a test asks each for JSON.
    """
    known = OPERATIONS.get(f"{method.replace('PATCH', 'PUT')} {endpoint}")
    if known is None and module.startswith(f"{__package__}."):
        return UNDESCRIBED
    return known
