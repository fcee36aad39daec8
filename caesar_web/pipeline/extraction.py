"""Extraction: what a workflow's extractors make of classifications, and the rows of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from caesar_web.domain.classification import Classification, Extract, Group
from caesar_web.domain.extractors import Extractor
from caesar_web.domain.services import is_called
from caesar_web.pipeline.outcomes import Outcomes
from caesar_web.store import extract_statements as extract_rows
from caesar_web.store import result_statements as results
from caesar_web.store.inbox_statements import Claimed


@dataclass
class Extraction:
    """What the extractors made of one classification; `extracts` once they are written.

    `awaited` are the extractors that work elsewhere and are still to be asked.
    """

    claimed: Claimed
    data: dict[str, Any] = field(default_factory=dict)
    awaited: list[Extractor] = field(default_factory=list)
    extracts: tuple[Extract, ...] = ()

    @property
    def classification(self) -> Classification:
        return self.claimed.classification

    @property
    def matters(self) -> bool:
        """Whether any reduction may change by it."""
        return bool(self.extracts) or self.claimed.is_changed

    def may_concern(self, extractor_keys: Collection[str]) -> bool:
        """Whether it may matter to a reducer that looks at these extractors alone, or at all."""
        keys = {one.extractor_key for one in self.extracts}
        return self.claimed.is_changed or not extractor_keys or not keys.isdisjoint(extractor_keys)

    @property
    def group(self) -> Group:
        return Group(self.classification.created_at, self.classification.id, self.extracts)


def extract(claimed: Claimed, extractors: Iterable[Extractor], *, outcomes: Outcomes) -> Extraction:
    """Runs the extractors over one classification; what fails is noted, the rest is kept."""
    extraction = Extraction(claimed)
    for extractor in extractors:
        if is_called(extractor):
            if extractor.wants(claimed.classification):
                extraction.awaited.append(extractor)
            continue
        try:
            data = extractor.extract(claimed.classification)
        except Exception as problem:  # whatever it is, the other extractors' results are kept
            what = str(problem) or type(problem).__name__
            message = f"classification {claimed.classification.id}: {what}"
            outcomes.failed("extractor", extractor.id, message)
            continue
        outcomes.went_well("extractor", extractor.id)
        if data is not None:
            extraction.data[extractor.key] = data
    return extraction


def write_extracts(
    session: Session,
    extractions: Sequence[Extraction],
    *,
    now: datetime,
    held: Collection[str] = (),
) -> int:
    """Writes the extracts and gives them their ids; by how many there are more than before.

    What the extractors `held` have made of changed classifications before stays, and counts.
    """
    rows = [row for extraction in extractions for row in rows_of(extraction, now)]
    written = results.write_extracts(session, rows) if rows else []
    ids = {(row.classification_id, row.extractor_key): row.id for row in written}
    changed = [one.classification.id for one in extractions if one.claimed.is_changed]
    kept = extract_rows.extracts_by(session, changed, held) if changed and held else []
    for extraction in extractions:
        own = [one for one in kept if one.classification_id == extraction.classification.id]
        extraction.extracts = _extracts(extraction, ids, own)
    more = [row.created_at for row in written].count(now)
    if changed:
        stay = [*ids.values(), *(one.id for one in kept)]
        more -= results.remove_other_extracts(session, changed, kept=stay)
    return more


def write_among_others(
    session: Session,
    extractions: Sequence[Extraction],
    key: str,
    *,
    behind: Collection[str],
    now: datetime,
) -> int:
    """Writes what one extractor made of classifications as if it had made it with the others.

    The extracts of a classification count in the order of their ids. So those of the extractors
    `behind` it get new ids. Gives by how many extracts there are more than before.
    """
    ids = [one.classification.id for one in extractions]
    before = {one.classification_id for one in extract_rows.extracts_by(session, ids, [key])}
    rows = [row for extraction in extractions for row in rows_of(extraction, now)]
    new = [row["classification_id"] for row in rows if row["classification_id"] not in before]
    moved = extract_rows.take_out(session, new, behind) if new and behind else []
    if rows:
        results.write_extracts(session, [*rows, *moved])
    gone = set(ids) & before - {row["classification_id"] for row in rows}
    if gone:
        extract_rows.take_out(session, gone, [key])
    return len(new) - len(gone)


def rows_of(extraction: Extraction, now: datetime) -> Iterable[dict[str, Any]]:
    """The extracts of one classification, as they are written."""
    classification = extraction.classification
    for key, data in extraction.data.items():
        yield {
            "classification_id": classification.id,
            "classification_at": classification.created_at,
            "extractor_key": key,
            "project_id": classification.project_id,
            "workflow_id": classification.workflow_id,
            "workflow_version": classification.workflow_version,
            "subject_id": classification.subject.id,
            "user_id": classification.user_id,
            "data": data,
            "created_at": now,
            "updated_at": now,
        }


def _extracts(
    extraction: Extraction, ids: Mapping[tuple[int, str], int], kept: Iterable[Extract]
) -> tuple[Extract, ...]:
    classification = extraction.classification
    made = (
        Extract(
            ids[classification.id, key],
            classification.id,
            classification.created_at,
            key,
            classification.subject.id,
            classification.user_id,
            data,
        )
        for key, data in extraction.data.items()
    )
    return tuple(sorted([*made, *kept], key=lambda one: one.id))
