"""A rehearsal: what rules would see if parts that nobody has saved yet had been there before."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from caesar_web.domain.classification import Classification, Extract, grouped
from caesar_web.domain.documents import ExtractorRow, ReducerRow
from caesar_web.domain.dry_run import Sample
from caesar_web.domain.events import LARGEST_ID
from caesar_web.domain.extractors import Extractor
from caesar_web.domain.grouping import GroupingFailed
from caesar_web.domain.scope import ReductionScope
from caesar_web.domain.series import DefaultSeries, Reducer
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.pipeline.relevant import RelevantReductions
from caesar_web.store import configuration as tables
from caesar_web.store import samples
from caesar_web.store.result_statements import SUBJECT, training_among
from caesar_web.store.snapshot import Reducible, extractor_of, reducer_of

MOST_SUBJECTS = 200
MOST_CLASSIFICATIONS = 2_000
MOST_EXTRACTS = 20_000

NOTHING = ReductionScope({})
Part = TypeVar("Part")
ExtractorLike = tables.Extractor | ExtractorRow
ReducerLike = tables.Reducer | ReducerRow


def rehearsed(
    session: Session,
    workflow_id: int,
    sample: Sequence[Sample],
    *,
    extractors: Iterable[ExtractorLike],
    reducers: Iterable[ReducerLike],
) -> list[Sample]:
    """The newest subjects, each with the reductions that it has and those that it would have.

    The reducers go over all extracts together, extractors that have made none over the
    classifications that are still kept: as if everything had come in just now.
    """
    classifications = samples.recent_classifications(
        session, workflow_id, most=MOST_CLASSIFICATIONS
    )
    stored = dict(sample)
    metadata = {one.subject.id: one.subject.metadata for one in classifications}
    ids = list(dict.fromkeys([*stored, *metadata]))[:MOST_SUBJECTS]
    home = Reducible("Workflow", workflow_id)
    extracts, _ = samples.newest_extracts(session, home, SUBJECT, ids, most=MOST_EXTRACTS)
    worked = {extract.extractor_key for extract in extracts}
    new = [row for row in extractors if row.key not in worked]
    by_subject: defaultdict[int, list[Extract]] = defaultdict(list)
    for extract in [*extracts, *_extracted(_usable(extractor_of, new), classifications)]:
        by_subject[extract.subject_id].append(extract)
    made, training = _usable(reducer_of, reducers), training_among(session, ids)
    relevant = RelevantReductions(home, SUBJECT)
    relevant.load(session, (one for row in by_subject.values() for one in row), made)
    found = []
    for id in ids:
        before = stored.get(id, NOTHING)
        reductions = {**_reduced(made, by_subject[id], training, relevant), **before.reductions}
        found.append((id, ReductionScope(reductions, id, before.metadata or metadata.get(id))))
    return found


def _usable(read: Callable[[Any], Part], rows: Iterable[Any]) -> list[Part]:
    """Those that can be read; the page says elsewhere why the others cannot."""
    found = []
    for row in rows:
        with suppress(InvalidConfiguration, KeyError):
            found.append(read(row))
    return found


def _extracted(
    extractors: Sequence[Extractor], classifications: Iterable[Classification]
) -> Iterator[Extract]:
    numbers = count(-LARGEST_ID)  # ids that no extract has, in order
    for one in classifications:
        for extractor in extractors:
            if (data := _data(extractor, one)) is not None:
                at, subject_id = one.created_at, one.subject.id
                yield Extract(
                    next(numbers), one.id, at, extractor.key, subject_id, one.user_id, data
                )


def _data(extractor: Extractor, classification: Classification) -> Any:
    try:
        return extractor.extract(classification)
    except Exception:  # as in a turn, where the others' extracts are kept all the same
        return None


def _reduced(
    reducers: Iterable[Reducer],
    extracts: Sequence[Extract],
    training: set[int],
    relevant: RelevantReductions,
) -> Mapping[str, Mapping[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for reducer in reducers:
        series = DefaultSeries(reducer, (), training=training)
        try:
            for group in grouped(extracts):
                series.arrive(relevant.carried_by(group, reducer))
        except GroupingFailed:
            continue
        data = {name: one.data for name, one in series.results.items() if not one.is_empty}
        if data:
            found[reducer.key] = data
    return found
