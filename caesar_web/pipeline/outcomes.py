"""How extractors, reducers and rules fared in a turn, for their lights."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy.orm import Session

from caesar_web.domain.lights import FAILED, WELL
from caesar_web.store import light_statements as lights
from caesar_web.store.light_statements import Fared
from caesar_web.store.snapshot import Snapshot


class Outcomes:
    """Collected during a turn; written where something failed, or had failed before."""

    def __init__(self, plan: Snapshot, now: datetime) -> None:
        self._workflow_id = plan.workflow_id
        self._now = now
        self._outcomes: dict[tuple[str, str], str] = defaultdict(str)
        self._errors: dict[tuple[str, str], str] = {}
        for broken in plan.broken:
            self.failed(broken.kind, broken.id, broken.message)

    def went_well(self, kind: str, id: int) -> None:
        self._outcomes[kind, str(id)] += WELL

    def failed(self, kind: str, id: int, message: str) -> None:
        self._outcomes[kind, str(id)] += FAILED
        self._errors[kind, str(id)] = message

    def write(self, session: Session) -> None:
        """Lights that have only ever been green are not written: that would be every turn."""
        shown = self._errors.keys() | lights.failing(session, self._workflow_id)
        fared = [
            Fared(*light, self._workflow_id, self._outcomes[light], self._errors.get(light))
            for light in shown
            if light in self._outcomes
        ]
        if fared:
            lights.record(session, fared, now=self._now)
