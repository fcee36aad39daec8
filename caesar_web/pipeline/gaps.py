"""Gaps: what came while a running reducer was halted, which it is never to count."""

from collections.abc import Collection, Mapping

from sqlalchemy.orm import Session

from caesar_web.domain.series import Counted, Reducer
from caesar_web.store.extract_statements import written_within
from caesar_web.store.result_statements import USER, Topic
from caesar_web.store.snapshot import Reducible


def left_out(
    session: Session,
    reducible: Reducible,
    topic: Topic,
    reducer: Reducer,
    targets: Mapping[int, Collection[int]],
) -> dict[int, list[Counted]]:
    """By target, what is as good as counted; in no subgroup, so that it repeats nothing."""
    if not (reducer.is_running and reducer.gaps):
        return {}
    sources = {source for own in targets.values() for source in own}
    by_source: dict[int | None, list[Counted]] = {}
    for one in written_within(session, reducible, topic, sources, reducer.gaps):
        source = one.user_id if topic is USER else one.subject_id
        counted = Counted(
            "", one.classification_id, one.id, one.extractor_key, None, one.subject_id
        )
        by_source.setdefault(source, []).append(counted)
    return {
        target: [one for source in own for one in by_source.get(source, ())]
        for target, own in targets.items()
    }
