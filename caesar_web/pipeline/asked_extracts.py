"""Extracts that are made elsewhere: what is sent of classifications, and saving the answers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from caesar_web.domain.classification import document
from caesar_web.domain.extractors import Extractor
from caesar_web.domain.services import is_called
from caesar_web.pipeline.extraction import Extraction, rows_of
from caesar_web.pipeline.processing import Work
from caesar_web.store import extract_statements as extract_rows
from caesar_web.store import inbox_statements as inbox
from caesar_web.store import result_statements as results
from caesar_web.store.external_statements import Claim
from caesar_web.store.inbox import LANES
from caesar_web.store.inbox_statements import Claimed
from caesar_web.store.snapshot import revisions, snapshot

MOST_EXTRACTS = 50_000


@dataclass(frozen=True)
class AskedExtract:
    """A classification that an extractor elsewhere is sent."""

    claim: Claim
    part: Extractor
    claimed: Claimed

    @property
    def bodies(self) -> Mapping[str, Any]:
        return {"": document(self.claimed.classification)}


def prepare(
    session: Session, workflow_id: int, claims: Sequence[Claim]
) -> dict[Claim, AskedExtract]:
    """What to send for each; those are left out for which there is nothing to ask any more."""
    at = revisions(session, workflow_id)
    if at is None:
        return {}
    extractors = {one.id: one for one in snapshot(session, at).extractors if is_called(one)}
    kept = inbox.kept(session, workflow_id, {one.target_id for one in claims})
    by_id = {one.classification.id: one for one in kept}
    return {
        claim: AskedExtract(claim, extractors[claim.owner_id], by_id[claim.target_id])
        for claim in claims
        if claim.owner_id in extractors and claim.target_id in by_id
    }


def save(
    session: Session,
    workflow_id: int,
    answers: Sequence[tuple[AskedExtract, Any]],
    *,
    now: datetime,
) -> list[Claim]:
    """Writes extracts and all that follows; gives what is done now.

    As many classifications as a turn can take are done; the others are to be saved again.
    """
    lanes = {one.claimed.classification.subject.id % LANES for one, _ in answers}
    inbox.await_lanes(session, workflow_id, lanes)
    at = revisions(session, workflow_id)
    if at is None:
        return [one.claim for one, _ in answers]
    # As changed ones: their earlier extracts of the same extractor are replaced.
    claimed = {
        one.claim.target_id: one.claimed._replace(is_changed=True)
        for one, _ in sorted(answers, key=lambda answered: _order(answered[0].claimed))
    }
    work = Work(session, snapshot(session, at), list(claimed.values()), now)
    work.load_subjects(MOST_EXTRACTS)
    taken = {one.id for one in work.classifications}
    saved = [(one, answer) for one, answer in answers if one.claim.target_id in taken]
    extractions = {id: Extraction(claimed[id]) for id in claimed if id in taken}
    more = _write(session, extractions, saved, now)
    work.follow(list(extractions.values()), more=more)
    return [one.claim for one, _ in saved]


def _write(
    session: Session,
    extractions: Mapping[int, Extraction],
    saved: Iterable[tuple[AskedExtract, Any]],
    now: datetime,
) -> int:
    """Writes the extracts; by how many there are more than before."""
    more = 0
    for one, answer in saved:
        if answer is None:
            more -= len(extract_rows.take_out(session, [one.claim.target_id], [one.part.key]))
        else:
            extractions[one.claim.target_id].data[one.part.key] = answer
    rows = [row for extraction in extractions.values() for row in rows_of(extraction, now)]
    written = results.write_extracts(session, rows) if rows else []
    found = extract_rows.extracts_of(session, extractions)
    for id, extraction in extractions.items():
        extraction.extracts = tuple(found.get(id, ()))
    return more + [row.created_at for row in written].count(now)


def _order(claimed: Claimed) -> tuple[datetime, int]:
    return claimed.classification.created_at, claimed.classification.id
