"""Relevant reductions: those of the other topic, which extracts carry along into a reducer."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy.orm import Session

from caesar_web.domain.classification import Extract, Group
from caesar_web.domain.grouping import DEFAULT_SUBGROUP
from caesar_web.domain.series import Reducer
from caesar_web.store import result_statements as results
from caesar_web.store.result_statements import Topic
from caesar_web.store.snapshot import Reducible


class RelevantReductions:
    """What the extracts of one reducible and topic carry along."""

    def __init__(self, reducible: Reducible, topic: Topic) -> None:
        self._reducible = reducible
        self._by_subject = topic is results.SUBJECT
        self._other = results.USER if self._by_subject else results.SUBJECT
        self._found: dict[int, dict[str, Any]] = {}

    def load(
        self, session: Session, extracts: Iterable[Extract], reducers: Collection[Reducer]
    ) -> None:
        """Loads what goes with these extracts, where any of the reducers wants it."""
        keys = {key for reducer in reducers for key in reducer.relevant_keys}
        if not keys:
            return
        ids = {self._id_of(extract) for extract in extracts} - {None}
        for stored in results.reductions_of(
            session, self._reducible, self._other, (id for id in ids if id is not None)
        ):
            if stored.reducer_key in keys and stored.subgroup == DEFAULT_SUBGROUP:
                self._found.setdefault(stored.target_id, {})[stored.reducer_key] = {
                    "id": stored.id,
                    self._other.target: stored.target_id,
                    "reducer_key": stored.reducer_key,
                    "subgroup": stored.subgroup,
                    "data": stored.reduced.data,
                    "store": stored.reduced.store,
                }

    def carried_by(self, group: Group, reducer: Reducer) -> Group:
        """The group with each extract carrying the reduction that it goes with."""
        if not reducer.relevant_keys:
            return group
        extracts = (self.beside(extract, reducer) for extract in group.extracts)
        return group._replace(extracts=tuple(extracts))

    def beside(self, extract: Extract, reducer: Reducer) -> Extract:
        """The extract carrying the reduction that it goes with."""
        known = self._found.get(self._id_of(extract) or 0, {})
        first = next((known[key] for key in reducer.relevant_keys if key in known), None)
        return extract._replace(relevant_reduction=first)

    def _id_of(self, extract: Extract) -> int | None:
        return extract.user_id if self._by_subject else extract.subject_id
