"""What GraphQL's fields give: a workflow, and what of it whoever asks may see."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from graphql import GraphQLError
from sqlalchemy import Select, select

from caesar_web.access import exports
from caesar_web.access.identity import identity
from caesar_web.access.membership import may_touch
from caesar_web.access.permissions import Hidden, Place, find_place
from caesar_web.api import bodies
from caesar_web.api import data_requests as requests_api
from caesar_web.domain.effects import panoptes_id
from caesar_web.domain.options import Unreadable
from caesar_web.store import data_request_statements, queries
from caesar_web.store.action_statements import SUBJECT_ACTIONS, USER_ACTIONS, Kind
from caesar_web.store.configuration import Workflow
from caesar_web.store.queries import reading
from caesar_web.store.result_statements import SUBJECT, USER, Topic
from caesar_web.store.snapshot import Reducible

Row = Any  # of a table, or a mapping with the same names
STATUSES = ("pending", "completed")  # an action in another state has failed


class Credential:
    """Who asks."""

    def __init__(self) -> None:
        caller = identity()
        self.is_logged_in = caller is not None
        self.is_admin = caller is not None and caller.is_admin


class WorkflowNode:
    """A workflow that whoever asks sees something of; what they may not see is empty."""

    def __init__(self, place: Place, *, created_at: datetime, updated_at: datetime) -> None:
        self.id, self.created_at, self.updated_at = place.workflow_id, created_at, updated_at
        self._place = place
        self._is_member = may_touch(place.project_id)
        self._reducible = Reducible("Workflow", self.id)

    def extracts(self, subject_id: str, extractor_key: str | None = None) -> list[Row]:
        if not (self._is_member or self._place.public_extracts):
            return []
        return _of_target(
            subject_id,
            lambda id: queries.extracts_of_subject(self.id, id, extractor_key=extractor_key),
        )

    def subject_reductions(self, subject_id: str, reducer_key: str | None = None) -> list[Row]:
        if not (self._is_member or self._place.public_reductions):
            return []
        return list(self._reductions(SUBJECT, subject_id, reducer_key))

    reductions = subject_reductions

    def user_reductions(self, user_id: str, reducer_key: str | None = None) -> list[Row]:
        caller = identity()
        is_own = caller is not None and user_id == str(caller.user_id)
        if not (self._is_member or self._place.public_reductions or is_own):
            return []
        return list(self._reductions(USER, user_id, reducer_key))

    def subject_actions(self, subject_id: str) -> list[Row]:
        return self._actions(SUBJECT_ACTIONS, subject_id)

    def user_actions(self, user_id: str) -> list[Row]:
        return self._actions(USER_ACTIONS, user_id)

    def data_requests(self) -> list[Row]:
        exportable = exports.of_workflow(self._place)
        with reading() as session:
            found = data_request_statements.listed(
                session,
                self._reducible,
                requests_api.visible(exportable),
                most=requests_api.MOST_LISTED,
            )
            session.expunge_all()
        return [requests_api.shape(one) for one in found]

    def _reductions(self, topic: Topic, target: str, key: str | None) -> Iterator[Row]:
        def wanted(id: int) -> Select[Any]:
            return queries.reductions_of(self._reducible, topic, id, reducer_key=key)

        return map(reduction, _of_target(target, wanted))

    def _actions(self, kind: Kind, target: str) -> list[Row]:
        if not self._is_member:
            return []
        table: Any = kind.table

        def wanted(id: int) -> Select[Any]:
            of_target = {"workflow_id": self.id, kind.target: id}
            return select(table).filter_by(**of_target).order_by(table.id)

        return [_action(row, kind) for row in _of_target(target, wanted)]


def workflow(id: str) -> WorkflowNode:
    """A workflow of which whoever asks may see something. Raises Hidden."""
    place = seen(id)
    with reading() as session:
        row = session.get_one(Workflow, place.workflow_id)
        moments = {"created_at": row.created_at, "updated_at": row.updated_at}
    return WorkflowNode(place, **moments)


def seen(id: str) -> Place:
    """The place of such a workflow. Raises Hidden."""
    number = bodies.id_or_none(id)
    found = None if number is None else find_place(number)
    if found is None:
        may_touch(None)  # so that it fares as somebody else's, also while Panoptes is away
    elif found.public_data or may_touch(found.project_id):
        return found
    raise Hidden("Workflow", id)


def reduction(row: Row) -> dict[str, Any]:
    """A reduction, whose project is named where it is a project's."""
    topic = USER if isinstance(row, USER.reductions) else SUBJECT
    names = ("reducer_key", "data", "created_at", "updated_at", topic.target)
    return {
        "project_id": row.reducible_id if row.reducible_type == "Project" else None,
        "workflow_id": row.reducible_id,
        **{name: getattr(row, name) for name in names},
    }


def id_of(text: str, name: str) -> int:
    """An id that somebody gives. Raises GraphQLError."""
    try:
        return panoptes_id(text)
    except Unreadable as problem:
        raise GraphQLError(f"{name} {problem}") from None


def _of_target(target: str, wanted: Callable[[int], Select[Any]]) -> list[Row]:
    """What is wanted of a subject or user, read when its transaction is over."""
    id = bodies.id_or_none(target)
    if id is None:
        return []
    with reading() as session:
        rows = list(session.scalars(wanted(id)))
        session.expunge_all()
    return rows


def _action(row: Row, kind: Kind) -> dict[str, Any]:
    """An action; which classification led to it is not kept."""
    names = ("id", "workflow_id", "effect_type", "config", "created_at", "updated_at")
    moments = ("attempted_at", "completed_at")
    return {
        **{name: getattr(row, name) for name in (*names, *moments, kind.target)},
        "classification_id": None,
        "classification_at": None,
        "status": row.status if row.status in STATUSES else "failed",
    }
