"""What turns want of others elsewhere: extracts of classifications, reductions of targets."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from caesar_web.domain.extractors import Extractor
from caesar_web.domain.hosts import host_of
from caesar_web.domain.series import Reducer
from caesar_web.domain.services import is_called
from caesar_web.pipeline.extraction import Extraction
from caesar_web.store import external_statements as statements
from caesar_web.store.external_statements import Wanted
from caesar_web.store.result_statements import USER
from caesar_web.store.snapshot import Reducible, Snapshot


def want_extracts(
    session: Session, workflow_id: int, extractions: Iterable[Extraction], *, now: datetime
) -> set[str]:
    """Lets extractors that work elsewhere be asked about classifications; gives who is asked."""
    rows = (
        Wanted("extractor", *_whom(extractor), workflow_id, extractor.id, one.classification.id)
        for one in extractions
        for extractor in one.awaited
    )
    return statements.want(session, rows, now=now)


def want_after(
    session: Session, plan: Snapshot, extractions: Iterable[Extraction], *, now: datetime
) -> set[str]:
    """Lets reducers elsewhere be asked for what extractions may have changed; gives who is asked.

    Once for each subject or volunteer.
    """
    means: set[str] = set()
    for (reducible, topic), reducers in plan.reducers.items():
        for reducer in filter(is_called, reducers):
            keys = reducer.filters.extractor_keys
            own = (one.classification for one in extractions if one.may_concern(keys))
            ids = (one.user_id if topic == USER.name else one.subject.id for one in own)
            targets = [id for id in ids if id is not None]
            means |= want_reductions(session, reducible, [reducer], targets, now=now)
    return means


def want_reductions(
    session: Session,
    reducible: Reducible,
    reducers: Iterable[Reducer],
    targets: Iterable[int],
    *,
    now: datetime,
) -> set[str]:
    """Lets those of the reducers that work elsewhere be asked for targets; gives who is asked."""
    workflow_id = reducible.id if reducible.type == "Workflow" else None
    called = [one for one in reducers if is_called(one)]
    ids = set(targets) if called else ()
    rows = (
        Wanted("reducer", *_whom(one), workflow_id, one.id, target)
        for one in called
        for target in ids
    )
    return statements.want(session, rows, now=now)


def _whom(part: Extractor | Reducer) -> tuple[str, str]:
    """By whose means it works, and at which host."""
    return part.type.elsewhere, host_of(str(part.options.get("url") or ""))
