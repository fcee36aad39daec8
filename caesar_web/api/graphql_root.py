"""What GraphQL begins with: who asks, a workflow; and what clients can write or start."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from graphql import GraphQLError

from caesar_web.access import exports, pushing, running
from caesar_web.access.exports import Exportable
from caesar_web.access.membership import may_touch
from caesar_web.access.permissions import Hidden, NotAllowed, Place
from caesar_web.api import bodies
from caesar_web.api import data_requests as requests_api
from caesar_web.api import graphql_nodes as nodes
from caesar_web.domain.exports import read_export
from caesar_web.domain.grouping import DEFAULT_SUBGROUP
from caesar_web.domain.keys import is_key
from caesar_web.pipeline.exporting import TooMany
from caesar_web.pipeline.pushing import PushedExtract, PushedReduction, Refused
from caesar_web.pipeline.run_orders import Scope, order
from caesar_web.store.queries import reading
from caesar_web.store.result_statements import SUBJECT
from caesar_web.store.results import Extract
from caesar_web.store.snapshot import Reducible

Given = TypeVar("Given")


class Root:
    """The root of queries and of mutations."""

    me = staticmethod(nodes.Credential)
    workflow = staticmethod(nodes.workflow)

    def create_data_request(
        self, exportable_id: str, exportable_type: str, requested_data: str, **narrowed: Any
    ) -> dict[str, Any]:
        export, problems = read_export({"requested_data": requested_data, **narrowed})
        if export is None:
            raise GraphQLError("; ".join(f"{one.place} {one.message}" for one in problems))
        exportable = _exportable(exportable_type, exportable_id)
        try:
            request_id = exports.ask(exportable, export)
        except TooMany as problem:
            raise GraphQLError(str(problem)) from None
        return requests_api.shape(exports.find(exportable, str(request_id)))

    def upsert_extract(
        self,
        workflow_id: str,
        subject_id: str,
        classification_id: str,
        extractor_key: str,
        data: Any = None,
    ) -> Any:
        place = _own(workflow_id)
        given = PushedExtract(
            _key(extractor_key, "extractorKey"),
            nodes.id_of(subject_id, "subjectId"),
            _data(data),
            nodes.id_of(classification_id, "classificationId"),
        )
        id = _pushed(lambda: pushing.push_extract(place.workflow_id, given))
        with reading() as session:
            row = session.get_one(Extract, id)
            session.expunge(row)
        return row

    def upsert_reduction(
        self, workflow_id: str, subject_id: str, reducer_key: str, data: Any = None
    ) -> dict[str, Any]:
        reducible = Reducible("Workflow", _own(workflow_id).workflow_id)
        if pushing.topic_of(reducible, reducer_key) is not SUBJECT:
            raise GraphQLError(f"{reducer_key} makes reductions of users")
        subject = nodes.id_of(subject_id, "subjectId")
        given = PushedReduction(reducer_key, subject, DEFAULT_SUBGROUP, _data(data))
        id = _pushed(lambda: pushing.push_reduction(reducible, SUBJECT, given))
        with reading() as session:
            return nodes.reduction(session.get_one(SUBJECT.reductions, id))

    def extract_subject(self, workflow_id: str, subject_id: str) -> bool:
        place, subject = _own(workflow_id), nodes.id_of(subject_id, "subjectId")
        reducible = Reducible("Workflow", place.workflow_id)
        pushing.know_subject(reducible, subject)
        # What rules decide then is done, as clients have always known it.
        wanted = order("backfill", reducible, Scope(subject_ids=[subject]), acts=True)
        return running.start(wanted).is_new


def _own(workflow_id: str) -> Place:
    """A workflow of the caller's. Raises Hidden, and NotAllowed where it is only public."""
    place = nodes.seen(workflow_id)
    if not may_touch(place.project_id):
        raise NotAllowed
    return place


def _exportable(type: str, id: str) -> Exportable:
    if type == "Workflow":
        return exports.of_workflow(nodes.seen(id))
    if type != "Project":
        raise GraphQLError("exportableType must be Workflow or Project")
    number = bodies.id_or_none(id)
    exportable = None if number is None else exports.of_project(number)
    if exportable is None or not exportable.kinds:
        raise Hidden("Project", id)
    return exportable


def _pushed(push: Callable[[], Given]) -> Given:
    try:
        return push()
    except Refused as problem:
        raise GraphQLError(str(problem)) from None


def _key(text: str, name: str) -> str:
    if not is_key(text):
        raise GraphQLError(f"{name} must have no spaces, dots, slashes or brackets")
    return text


def _data(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise GraphQLError("data must be an object")
    return dict(value)
