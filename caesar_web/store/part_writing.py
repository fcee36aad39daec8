"""Writing extractors and reducers, with their secrets sealed."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from caesar_web.domain.documents import ExtractorRow, ReducerRow
from caesar_web.domain.secrets import resolved
from caesar_web.domain.values import InvalidConfiguration, Problem
from caesar_web.store.configuration import Extractor, Reducer
from caesar_web.store.sealing import Sealer, Unopenable


def write(
    part: Extractor | Reducer,
    row: ExtractorRow | ReducerRow,
    sealer: Sealer,
    *,
    place: str = "",
    now: datetime,
) -> None:
    """Gives a part all that a row says but for its state; masks stand for what the part has.

    Raises InvalidConfiguration, with places below `place`, where a mask stands for nothing.
    """
    problems: list[Problem] = []
    before = _opened(part, sealer)
    kept = [replace(row, config=part.config, secrets=before)] if before else []
    secrets = resolved(row, kept, place=place, problems=problems).secrets
    if problems:
        raise InvalidConfiguration(
            Problem(where.removeprefix("."), message) for where, message in problems
        )
    said = {name: value for name, value in vars(row).items() if name not in ("status", "secrets")}
    if secrets != before:
        said["secrets"] = sealer.seal_secrets(secrets)
    update(part, now, said)


def update(target: Any, now: datetime, values: dict[str, Any]) -> None:
    """Gives a row these values, and says when, if that changes it."""
    changed = {name: value for name, value in values.items() if getattr(target, name) != value}
    if changed:
        target.updated_at = now
    for name, value in changed.items():
        setattr(target, name, value)


def _opened(part: Extractor | Reducer, sealer: Sealer) -> dict[str, str]:
    """The secrets of a part, but for those that no key opens any more."""
    try:
        return sealer.open_secrets(part.secrets)
    except Unopenable:
        return {}
