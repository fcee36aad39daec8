"""A rehearsal: what rules would see if parts that nobody has saved yet had been there before."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from caesar_web.domain.classification import Classification, Extract, grouped
from caesar_web.domain.documents import ExtractorRow, ReducerRow
from caesar_web.domain.dry_run import Sample
from caesar_web.domain.extractors import Extractor
from caesar_web.domain.grouping import GroupingFailed
from caesar_web.domain.scope import ReductionScope
from caesar_web.domain.series import DefaultSeries, Reducer
from caesar_web.store import samples
from caesar_web.store.result_statements import SUBJECT, training_among
from caesar_web.store.snapshot import Reducible, extractor_of, reducer_of

MOST_SUBJECTS = 200
MOST_CLASSIFICATIONS = 2_000
MOST_EXTRACTS = 20_000


def rehearsed(
    session: Session,
    workflow_id: int,
    *,
    extractors: Iterable[ExtractorRow],
    reducers: Iterable[ReducerRow],
) -> Sequence[Sample]:
    """The newest subjects, each with the reductions that it has and those that it would have.

    New extractors go over the classifications that are still kept, new reducers over all extracts
    together, as if everything had come in just now. Nothing is written.
    """
    sample = dict(samples.recent_subjects(session, workflow_id, most=MOST_SUBJECTS))
    classifications = samples.recent_classifications(
        session, workflow_id, most=MOST_CLASSIFICATIONS
    )
    metadata = {one.subject.id: one.subject.metadata for one in classifications}
    ids = list(dict.fromkeys([*sample, *metadata]))
    ids = ids[:MOST_SUBJECTS]
    reducible = Reducible("Workflow", workflow_id)
    extracts, _ = samples.newest_extracts(session, reducible, SUBJECT, ids, most=MOST_EXTRACTS)
    extracts += _extracted([extractor_of(row) for row in extractors], classifications)
    by_subject: defaultdict[int, list[Extract]] = defaultdict(list)
    for extract in extracts:
        by_subject[extract.subject_id].append(extract)
    made = [reducer_of(row) for row in reducers if row.topic == SUBJECT.name]
    training = training_among(session, ids)
    nothing = ReductionScope({})
    found = []
    for id in ids:
        before = sample.get(id, nothing)
        reductions = {**before.reductions, **_reduced(made, by_subject[id], training)}
        found.append((id, ReductionScope(reductions, id, before.metadata or metadata.get(id))))
    return found


def _extracted(
    extractors: Sequence[Extractor], classifications: Iterable[Classification]
) -> list[Extract]:
    numbers = count(-1, -1)  # ids that no extract has
    return [
        Extract(
            next(numbers), one.id, one.created_at, extractor.key, one.subject.id, one.user_id, data
        )
        for one in classifications
        for extractor in extractors
        if (data := _data(extractor, one)) is not None
    ]


def _data(extractor: Extractor, classification: Classification) -> Any:
    try:
        return extractor.extract(classification)
    except Exception:  # as in a turn, where the others' extracts are kept all the same
        return None


def _reduced(
    reducers: Iterable[Reducer], extracts: Sequence[Extract], training: set[int]
) -> Mapping[str, Mapping[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for reducer in reducers:
        series = DefaultSeries(reducer, (), training=training)
        try:
            for group in grouped(extracts):
                series.arrive(group)
        except GroupingFailed:
            continue
        data = {name: one.data for name, one in series.results.items() if not one.is_empty}
        if data:
            found[reducer.key] = data
    return found
