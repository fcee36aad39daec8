"""A ledger: the reductions of a workflow or project over subjects or users, during one turn.

It loads what the touched targets need in a fixed number of statements, takes in classifications
one by one, and writes what has changed.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from caesar_web.domain.classification import Extract, Group, Subject, grouped
from caesar_web.domain.folds import NOTHING, Reduced
from caesar_web.domain.grouping import DEFAULT_SUBGROUP
from caesar_web.domain.series import (
    Counted,
    DefaultSeries,
    Reducer,
    RunningSeries,
    keys_that_matter,
)
from caesar_web.domain.values import DomainError, same
from caesar_web.pipeline.gaps import left_out
from caesar_web.pipeline.history import Sources, by_target, load_history
from caesar_web.pipeline.payloads import payload
from caesar_web.pipeline.relevant import RelevantReductions
from caesar_web.store import result_statements as results
from caesar_web.store.counted_statements import counted_among, forget_counted, write_counted
from caesar_web.store.result_statements import Place, Stored, Topic
from caesar_web.store.snapshot import Reducible


class _Frozen(NamedTuple):
    """A reduction as it was when a payload was made of it, which waits for the id."""

    place: Place
    reduced: Reduced
    payload: dict[str, Any]


class Ledger:
    """The reductions of one reducible and topic.

    `reduced` collects the ids of reducers that did their work, `failures` (reducer id, message).
    """

    def __init__(
        self, reducible: Reducible, topic: Topic, reducers: Collection[Reducer], *, targets: Sources
    ) -> None:
        """`targets` gives each target's sources: itself, and previous subjects."""
        self.reducible = reducible
        self.topic = topic
        self.reduced: list[int] = []
        self.failures: list[tuple[int, str]] = []
        self._reducers = [reducer for reducer in reducers if not reducer.type.is_pushed]
        self._targets = targets
        self._ids: dict[Place, int] = {}
        self._stored: dict[Place, Stored] = {}
        self._frozen: list[_Frozen] = []
        self._current: dict[int, dict[str, dict[str, Reduced]]] = {}
        self._counted: dict[tuple[int, str], list[Counted]] = {}
        self._history: dict[int, list[Extract]] = {}
        self._groups: dict[int, list[Group]] = {}
        self._training: set[int] = set()
        self._relevant = RelevantReductions(reducible, topic)
        self._series: dict[tuple[int, str], DefaultSeries | RunningSeries] = {}

    def load(
        self, session: Session, *, most: int | None = None, without: Collection[int] = ()
    ) -> bool:
        """Loads what is stored; False where the history is longer than `most` extracts.

        `without` names classifications that are not history, because they are arriving.
        """
        self._load_stored(session)
        self._leave_gaps(session)
        keys = keys_that_matter(self._reducers)
        return self._load_history(session, most, frozenset(without), keys)

    def begin_again(self, session: Session, *, leaves_gaps: bool) -> dict[int, list[Group]]:
        """Forgets all that its reducers have made; gives what is to arrive anew, by target.

        With `leaves_gaps` running reducers still do not count what came while they were halted.
        """
        self._load_stored(session)
        own = {reducer.key for reducer in self._reducers}
        for by_key in self._current.values():
            for key in own & by_key.keys():
                del by_key[key]
        again = [id for place, id in self._ids.items() if place.reducer_key in own]
        forget_counted(session, self.topic, again)
        if leaves_gaps:
            self._leave_gaps(session)
        self._load_history(session, None, frozenset(), None)
        histories = {target: grouped(extracts) for target, extracts in self._history.items()}
        self._groups = {target: [] for target in self._targets}
        return histories

    def load_related(self, session: Session, arriving: Sequence[Extract]) -> None:
        """Loads what reducers want to know beside the extracts, before any of these arrives."""
        extracts = [*arriving, *(one for history in self._history.values() for one in history)]
        self._load_counted(session, arriving)
        if any(one.filters.training_behavior != "ignore_training" for one in self._reducers):
            self._training = results.training_among(session, {one.subject_id for one in extracts})
        self._relevant.load(session, extracts, self._reducers)

    def arrive(self, target: int, group: Group) -> bool:
        """Takes in a classification; whether any reduction of the target has other data now."""
        changed = False
        for reducer in self._reducers:
            series = self._series_of(target, reducer)
            is_first = not series.results
            try:
                touched = series.arrive(self._relevant.carried_by(group, reducer))
            except DomainError as problem:
                self.failures.append((reducer.id, str(problem)))
                continue
            self.reduced.append(reducer.id)
            if is_first and isinstance(series, DefaultSeries):
                touched = touched | self._current.get(target, {}).get(reducer.key, {}).keys()
            for subgroup in touched:
                place = Place(target, reducer.key, subgroup)
                changed |= self.settle(place, series.results.get(subgroup, NOTHING))
        return changed

    def reductions(self, target: int) -> dict[str, dict[str, Any]]:
        """What rules see: the data of the target's reductions, by reducer and subgroup."""
        return {
            key: {subgroup: reduced.data for subgroup, reduced in subgroups.items()}
            for key, subgroups in self._current.get(target, {}).items()
        }

    def put(self, place: Place, data: Any) -> bool:
        """Gives a reduction data from outside; whether it has other data now."""
        subgroups = self._current.setdefault(place.target_id, {}).setdefault(place.reducer_key, {})
        before = subgroups.get(place.subgroup, NOTHING)
        subgroups[place.subgroup] = Reduced(data, before.store)
        return before is NOTHING or not same(before.data, data)

    def settle(self, place: Place, reduced: Reduced) -> bool:
        """Sets a reduction, or removes an empty one; whether it has other data now."""
        subgroups = self._current.setdefault(place.target_id, {}).setdefault(place.reducer_key, {})
        before = subgroups.get(place.subgroup, NOTHING)
        if reduced.is_empty:
            subgroups.pop(place.subgroup, None)
            return before is not NOTHING
        subgroups[place.subgroup] = reduced
        return before is NOTHING or not same(before.data, reduced.data)

    def at(self, place: Place) -> Reduced:
        """The reduction in a place, or NOTHING."""
        by_key = self._current.get(place.target_id, {}).get(place.reducer_key, {})
        return by_key.get(place.subgroup, NOTHING)

    def id_of(self, place: Place) -> int:
        """The id of a reduction that is written. Raises KeyError."""
        return self._ids[place]

    def freeze(self, subject: Subject, reducer_key: str, *, now: datetime) -> dict[str, Any] | None:
        """The payload of a subject's reduction as it is at this moment; None where it has none.

        One that is new has its id only after `write`.
        """
        place = Place(subject.id, reducer_key, DEFAULT_SUBGROUP)
        reduced = self._current.get(subject.id, {}).get(reducer_key, {}).get(DEFAULT_SUBGROUP)
        if reduced is None:
            return None
        stored = self._stored.get(place) or Stored(0, *place, NOTHING, now, now)
        if not _is_equal(stored.reduced, reduced):
            stored = stored._replace(reduced=reduced, updated_at=now)
        self._frozen.append(_Frozen(place, reduced, payload(self.reducible, subject, stored)))
        return self._frozen[-1].payload

    def has_changed(self, target: int) -> bool:
        """Whether rules see other data of the target now than what is stored."""
        stored: dict[str, Any] = {}
        for place, one in self._stored.items():
            if place.target_id == target:
                stored.setdefault(place.reducer_key, {})[place.subgroup] = one.reduced.data
        now: dict[str, Any] = {key: one for key, one in self.reductions(target).items() if one}
        return not same(stored, now)

    def write(self, session: Session, *, now: datetime) -> int:
        """Writes what has changed; gives by how many reductions there are more than before."""
        current = {
            Place(target, key, subgroup): reduced
            for target, by_key in self._current.items()
            for key, subgroups in by_key.items()
            for subgroup, reduced in subgroups.items()
        }
        changed = {
            place: reduced
            for place, reduced in current.items()
            if place not in self._stored or not _is_equal(self._stored[place].reduced, reduced)
        }
        # One that came and went within this turn is written too: who gets it gets its id.
        passing = {one.place: one.reduced for one in self._frozen if one.place not in self._ids}
        if written := passing | changed:
            self._ids |= results.write_reductions(
                session, self.reducible, self.topic, written, now=now
            )
        for one in self._frozen:
            one.payload["id"] = self._ids[one.place]
        gone = [id for place, id in self._ids.items() if place not in current]
        if gone:
            results.remove_reductions(session, self.topic, gone)
        self._write_counted(session)
        return len(current) - len(self._stored)

    def _series_of(self, target: int, reducer: Reducer) -> DefaultSeries | RunningSeries:
        if (target, reducer.key) not in self._series:
            if target not in self._groups:
                self._groups[target] = grouped(self._history.get(target, ()))
            history = self._groups[target]
            if reducer.relevant_keys:
                history = [self._relevant.carried_by(one, reducer) for one in history]
            self._series[target, reducer.key] = self._new_series(target, reducer, history)
        return self._series[target, reducer.key]

    def _new_series(
        self, target: int, reducer: Reducer, history: list[Group]
    ) -> DefaultSeries | RunningSeries:
        if not reducer.is_running:
            return DefaultSeries(reducer, history, training=self._training)
        stored = self._current.get(target, {}).get(reducer.key, {})
        counted = self._counted.get((target, reducer.key), ())
        return RunningSeries(
            reducer,
            stored,
            counted,
            # Once all that it can have has begun, it has counted all that came before.
            history=() if stored and not reducer.grouping.is_used else history,
            training=self._training,
        )

    def _load_stored(self, session: Session) -> None:
        for stored in results.reductions_of(session, self.reducible, self.topic, self._targets):
            place = Place(stored.target_id, stored.reducer_key, stored.subgroup)
            self._ids[place] = stored.id
            self._stored[place] = stored
            by_key = self._current.setdefault(stored.target_id, {})
            by_key.setdefault(stored.reducer_key, {})[stored.subgroup] = stored.reduced

    def _load_counted(self, session: Session, arriving: Sequence[Extract]) -> None:
        """Only what may come again, however much a reduction has counted."""
        running = {reducer.key: reducer for reducer in self._reducers if reducer.is_running}
        stored = (place for place in self._stored if place.reducer_key in running)
        places = {self._ids[one]: one for one in stored if self.at(one) is not NOTHING}
        if not places:  # none has begun, or all begin again
            return
        of_target = by_target(arriving, self.topic, self._targets)
        coming: dict[int, Iterable[Extract]] = {}
        for id, (target, key, _) in places.items():
            goes_back = running[key].grouping.is_used  # other subgroups may have to count it
            coming[id] = [*of_target[target], *(self._history.get(target, ()) if goes_back else ())]
        subgroups = {id: place.subgroup for id, place in places.items()}
        for reduction_id, counted in counted_among(session, self.topic, subgroups, coming):
            place = places[reduction_id]
            self._counted.setdefault((place.target_id, place.reducer_key), []).append(counted)

    def _leave_gaps(self, session: Session) -> None:
        for reducer in self._reducers:
            found = left_out(session, self.reducible, self.topic, reducer, self._targets)
            for target, counted in found.items():
                self._counted.setdefault((target, reducer.key), []).extend(counted)

    def _load_history(
        self, session: Session, most: int | None, without: frozenset[int], keys: set[str] | None
    ) -> bool:
        wanted = {one: each for one, each in self._targets.items() if self._needs_history(one)}
        history = load_history(
            session, self.reducible, self.topic, wanted, most=most, without=without, keys=keys
        )
        if history is not None:
            self._history = history
        return history is not None

    def _needs_history(self, target: int) -> bool:
        begun = self._current.get(target, {})
        return any(
            not one.is_running or one.grouping.is_used or one.key not in begun
            for one in self._reducers
        )

    def _write_counted(self, session: Session) -> None:
        counted = [
            (self._ids[place], one)
            for (target, key), series in self._series.items()
            if isinstance(series, RunningSeries)
            for one in series.newly_counted
            if (place := Place(target, key, one.subgroup)) in self._ids
        ]
        if counted:
            write_counted(session, self.topic, counted)


def _is_equal(before: Reduced, after: Reduced) -> bool:
    return same(before.data, after.data) and same(before.store, after.store)
