"""What turns want of others elsewhere: extracts of classifications, reductions of targets."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from caesar_web.domain.extractors import Extractor
from caesar_web.domain.series import Reducer
from caesar_web.domain.services import is_called, service_of
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
            concerned = [one for one in extractions if one.may_concern(keys)]
            first = _first_extracts(concerned, is_of_users=topic == USER.name)
            means |= _want(session, reducible, [reducer], first, now=now)
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
    return _want(session, reducible, reducers, dict.fromkeys(targets), now=now)


def _want(
    session: Session,
    reducible: Reducible,
    reducers: Iterable[Reducer],
    since: Mapping[int, int | None],
    *,
    now: datetime,
) -> set[str]:
    """`since` has the first extract of each target for which it is wanted, if not for all."""
    workflow_id = reducible.id if reducible.type == "Workflow" else None
    rows = (
        Wanted("reducer", *_whom(one), workflow_id, one.id, target, first)
        for one in reducers
        if is_called(one)
        for target, first in since.items()
    )
    return statements.want(session, rows, now=now)


def _first_extracts(
    extractions: Iterable[Extraction], *, is_of_users: bool
) -> dict[int, int | None]:
    """The first extract of each subject or volunteer; None where there may be fewer than before."""
    first: dict[int, int | None] = {}
    for one in extractions:
        target = one.classification.user_id if is_of_users else one.classification.subject.id
        if target is None:
            continue
        ids = [extract.id for extract in one.extracts]
        before = first.get(target, ids[0] if ids else None)
        first[target] = min(before, *ids) if ids and before is not None else None
    return first


def _whom(part: Extractor | Reducer) -> tuple[str, str]:
    """By whose means it works, and which service it uses."""
    return part.type.elsewhere, service_of(part)
