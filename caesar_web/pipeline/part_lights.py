"""The lights of extractors and reducers that work elsewhere, which fare between turns."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from caesar_web.domain.lights import FAILED, WELL
from caesar_web.store import light_statements as lights
from caesar_web.store.external_statements import Claim, PutOff
from caesar_web.store.light_statements import Fared

_Part = tuple[str, str, int | None]


def shine(
    session: Session, well: Iterable[Claim], put_off: Iterable[PutOff], *, now: datetime
) -> None:
    """Notes what went well and what failed; those that only ever worked have no light."""
    outcomes: dict[_Part, str] = {}
    errors: dict[_Part, str | None] = {}
    for claim in well:
        outcomes[_part(claim)] = outcomes.get(_part(claim), "") + WELL
    for late in put_off:
        if late.error is not None:
            part = _part(late.claim)
            outcomes[part] = outcomes.get(part, "") + FAILED
            errors[part] = late.error
    failing = {workflow_id: lights.failing(session, workflow_id) for _, _, workflow_id in outcomes}
    fared = [
        Fared(*part, outcomes[part], errors.get(part))
        for part in outcomes
        if part in errors or part[:2] in failing[part[2]]
    ]
    if fared:
        lights.record(session, fared, now=now)


def _part(claim: Claim) -> _Part:
    return claim.kind, str(claim.owner_id), claim.workflow_id
