"""What came before: the earlier extracts of subjects or users, for reducers that look at them."""

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy.orm import Session

from caesar_web.domain.classification import Extract
from caesar_web.store.result_statements import USER, Topic, extracts_of
from caesar_web.store.snapshot import Reducible

Sources = Mapping[int, Collection[int]]


def load_history(
    session: Session,
    reducible: Reducible,
    topic: Topic,
    targets: Sources,
    *,
    most: int | None,
    without: Collection[int],
    keys: Collection[str] | None,
) -> dict[int, list[Extract]] | None:
    """The extracts of each target's sources; None where there are more than `most`.

    Those of the classifications `without` are left out, and those of other extractors than `keys`
    where nothing can be told by them.
    """
    sources = {source for each in targets.values() for source in each}
    if not sources:
        return {}
    limit = None if most is None else most + 1
    extracts = extracts_of(session, reducible, topic, sources, most=limit, keys=keys)
    if most is not None and len(extracts) > most:
        return None
    past = (one for one in extracts if one.classification_id not in without)
    return by_target(past, topic, targets)


def by_target(
    extracts: Iterable[Extract], topic: Topic, targets: Sources
) -> dict[int, list[Extract]]:
    """Those of the extracts that are of each target's sources."""
    by_source: dict[int | None, list[Extract]] = {}
    for extract in extracts:
        source = extract.user_id if topic is USER else extract.subject_id
        by_source.setdefault(source, []).append(extract)
    return {
        target: [extract for source in each for extract in by_source.get(source, ())]
        for target, each in targets.items()
    }
