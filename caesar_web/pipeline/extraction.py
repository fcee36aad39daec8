"""Extraction: what a workflow's extractors make of classifications, and the rows of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from caesar_web.domain.classification import Classification, Extract, Group
from caesar_web.domain.extractors import Extractor
from caesar_web.pipeline.outcomes import Outcomes
from caesar_web.store import result_statements as results
from caesar_web.store.inbox_statements import Claimed


@dataclass
class Extraction:
    """What the extractors made of one classification; `extracts` once they are written."""

    claimed: Claimed
    data: dict[str, Any] = field(default_factory=dict)
    extracts: tuple[Extract, ...] = ()

    @property
    def classification(self) -> Classification:
        return self.claimed.classification

    @property
    def matters(self) -> bool:
        """Whether any reduction may change by it."""
        return bool(self.extracts) or self.claimed.is_changed

    @property
    def group(self) -> Group:
        return Group(self.classification.created_at, self.classification.id, self.extracts)


def extract(claimed: Claimed, extractors: Iterable[Extractor], *, outcomes: Outcomes) -> Extraction:
    """Runs the extractors over one classification; what fails is noted, the rest is kept."""
    extraction = Extraction(claimed)
    for extractor in extractors:
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


def write_extracts(session: Session, extractions: Sequence[Extraction], *, now: datetime) -> int:
    """Writes the extracts and gives them their ids; by how many there are more than before."""
    rows = [row for extraction in extractions for row in _rows(extraction, now)]
    written = results.write_extracts(session, rows) if rows else []
    ids = {(row.classification_id, row.extractor_key): row.id for row in written}
    for extraction in extractions:
        extraction.extracts = _extracts(extraction, ids)
    more = [row.created_at for row in written].count(now)
    changed = [one.classification.id for one in extractions if one.claimed.is_changed]
    if changed:
        more -= results.remove_other_extracts(session, changed, kept=ids.values())
    return more


def _rows(extraction: Extraction, now: datetime) -> Iterable[dict[str, Any]]:
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


def _extracts(extraction: Extraction, ids: Mapping[tuple[int, str], int]) -> tuple[Extract, ...]:
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
    return tuple(sorted(made, key=lambda one: one.id))
