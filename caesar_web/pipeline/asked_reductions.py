"""Reductions that are made elsewhere: which extracts are sent, and saving the answers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from caesar_web.domain.classification import Extract, Group, grouped
from caesar_web.domain.folds import NOTHING, Reduced
from caesar_web.domain.series import Counted, DefaultSeries, Reducer, RunningSeries
from caesar_web.domain.services import collecting, is_called, reduced
from caesar_web.pipeline import payloads
from caesar_web.pipeline.gaps import left_out
from caesar_web.pipeline.ledger import Ledger
from caesar_web.pipeline.pushing import change_reductions
from caesar_web.pipeline.rebuilding import sources_of
from caesar_web.pipeline.relevant import RelevantReductions
from caesar_web.store import extract_statements as extract_rows
from caesar_web.store import result_statements as results
from caesar_web.store import run_scope
from caesar_web.store.configuration import Reducer as ReducerRow
from caesar_web.store.counted_statements import counted_among, write_counted
from caesar_web.store.external_statements import Claim
from caesar_web.store.result_statements import SUBJECT, USER, Place, Stored, Topic
from caesar_web.store.snapshot import Reducible, reducer_of


@dataclass(frozen=True)
class AskedReduction:
    """A target's extracts that a reducer elsewhere is sent, by subgroup, and what it had before.

    In running mode `counted` are those that it has not counted yet.
    """

    claim: Claim
    part: Reducer
    reducible: Reducible
    topic: Topic
    bodies: Mapping[str, Any]
    stored: Mapping[str, Reduced]
    counted: Sequence[Counted] = ()


def prepare(session: Session, claim: Claim) -> AskedReduction | None:
    """What to send; None where nobody is to be asked any more. Raises DomainError."""
    row = session.get(ReducerRow, claim.owner_id)
    reducer = None if row is None else reducer_of(row)
    if row is None or reducer is None or not is_called(reducer):
        return None
    reducible = Reducible(row.reducible_type, row.reducible_id)
    topic = USER if row.topic == USER.name else SUBJECT
    history = _History(session, reducible, topic, reducer, claim)
    collected, counted = history.collected()
    return AskedReduction(
        claim,
        reducer,
        reducible,
        topic,
        history.bodies(collected),
        {subgroup: one.reduced for subgroup, one in history.stored.items()},
        counted,
    )


def save(
    session: Session, asked: AskedReduction, answers: Mapping[str, Any], *, now: datetime
) -> None:
    """Writes what was answered, by subgroup, and checks the rules where that is other data.

    In default mode a reduction of which nothing is left is removed.
    """

    def change(ledger: Ledger) -> bool:
        changed = False
        gone = set() if asked.part.is_running else asked.stored.keys() - answers.keys()
        for subgroup in [*answers, *gone]:
            place = Place(asked.claim.target_id, asked.part.key, subgroup)
            before = ledger.at(place) if asked.part.is_running else NOTHING
            made = reduced(answers.get(subgroup), stored=before)
            if not (asked.part.is_running and made.is_empty):
                changed |= ledger.settle(place, made)
        return changed

    ledger = change_reductions(
        session, asked.reducible, asked.topic, asked.claim.target_id, change, now=now
    )
    counted = [
        (ledger.id_of(place), one)
        for one in asked.counted
        if not ledger.at(
            place := Place(asked.claim.target_id, asked.part.key, one.subgroup)
        ).is_empty
    ]
    if counted:
        write_counted(session, asked.topic, counted)


class _History:
    """The extracts of a target as a reducer sees them, and what it has made of them before."""

    def __init__(
        self, session: Session, reducible: Reducible, topic: Topic, reducer: Reducer, claim: Claim
    ) -> None:
        target = claim.target_id
        self._session = session
        self._reducible, self._topic, self._target = reducible, topic, target
        self._reducer = reducer
        subjects = run_scope.subjects(session, [target]) if topic is SUBJECT else {}
        self._sources = sources_of(reducible, topic, [target], subjects)
        self.stored: dict[str, Stored] = {
            one.subgroup: one
            for one in results.reductions_of(session, reducible, topic, [target])
            if one.reducer_key == reducer.key
        }
        # Once all that it can have has begun, it has counted all that came before, but for what
        # has come of other subjects.
        is_alone = len(self._sources[target]) == 1 and not reducer.grouping.is_used
        self._since = claim.since if reducer.is_running and self.stored and is_alone else None

    def collected(self) -> tuple[dict[str, list[Extract]], list[Counted]]:
        """The extracts to send by subgroup; in running mode those not counted yet."""
        groups = self._groups()
        training: set[int] = set()
        if self._reducer.filters.training_behavior != "ignore_training":
            training = results.training_among(self._session, {one.subject_id for one in groups})
        series: DefaultSeries | RunningSeries
        if self._reducer.is_running:
            stored = {subgroup: one.reduced for subgroup, one in self.stored.items()}
            series = RunningSeries(
                collecting(self._reducer), stored, self._counted(groups), training=training
            )
            for group in groups:
                series.arrive(group)
        else:
            series = DefaultSeries(collecting(self._reducer), groups[:-1], training=training)
            for group in groups[-1:]:
                series.arrive(group)
        found = {name: made.data for name, made in series.results.items() if made.data}
        return found, getattr(series, "newly_counted", [])

    def bodies(self, collected: Mapping[str, list[Extract]]) -> dict[str, Any]:
        """What is sent for each subgroup."""
        ids = [one.id for extracts in collected.values() for one in extracts]
        rows = extract_rows.rows(self._session, ids)
        return {
            name: self._body(
                name,
                [payloads.extract(rows[one.id], one.relevant_reduction) for one in extracts],
            )
            for name, extracts in collected.items()
        }

    def _body(self, subgroup: str, extracts: list[dict[str, Any]]) -> Any:
        if not self._reducer.is_running:
            return extracts
        stored = self.stored.get(subgroup)
        return {
            "extracts": extracts,
            "store": (stored and stored.reduced.store) or {},
            "relevant_reductions": [one["relevant_reduction"] for one in extracts],
        }

    def _groups(self) -> list[Group]:
        sources = self._sources[self._target]
        extracts = results.extracts_of(
            self._session, self._reducible, self._topic, sources, since=self._since
        )
        relevant = RelevantReductions(self._reducible, self._topic)
        relevant.load(self._session, extracts, [self._reducer])
        return [relevant.carried_by(one, self._reducer) for one in grouped(extracts)]

    def _counted(self, groups: Iterable[Group]) -> list[Counted]:
        ids = {one.id: one.subgroup for one in self.stored.values()}
        extracts = [one for group in groups for one in group.extracts]
        known = counted_among(self._session, self._topic, ids, dict.fromkeys(ids, extracts))
        counted = [one for _, one in known]
        gaps = left_out(self._session, self._reducible, self._topic, self._reducer, self._sources)
        return [*counted, *gaps.get(self._target, ())]
