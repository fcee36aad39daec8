"""Subjects of the caller's workflows, asked of Panoptes: their metadata, and where to see them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from caesar_web.access import media_hosts, parts
from caesar_web.access.remembering import asked
from caesar_web.access.renewal import PanoptesAway
from caesar_web.jobs import tasks
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.pipeline import subjects
from caesar_web.store.queries import reading

AWAY = "The subject cannot be read from Zooniverse at the moment."
UNKNOWN = "The subject cannot be shown: it has not come up here, or Zooniverse has it no more."
MOST_LOCATIONS = 20


@dataclass(frozen=True)
class Location:
    """A picture, sound, film or text of a subject."""

    mime: str
    url: str


@dataclass(frozen=True)
class Media:
    """What there is to see or hear of a subject. A `problem` says why there is nothing."""

    locations: tuple[Location, ...]
    problem: str | None = None


def refresh(workflow_id: int, subject_id: int) -> None:
    """Takes over a subject's metadata from Panoptes. Raises NeverSeen, and PanoptesAway."""
    try:
        subjects.refresh(
            parts.swift_panoptes(),
            tasks.transaction,
            workflow_id=workflow_id,
            subject_id=subject_id,
        )
    except PanoptesError as problem:
        raise PanoptesAway(problem.message) from problem


def locations_of(workflow_id: int, subject_id: int) -> Media:
    """Where to see a subject of a workflow; the caller has made sure that they may see that."""

    def ask() -> Media:
        try:
            row = subjects.seen(
                parts.swift_panoptes(),
                reading,
                workflow_id=workflow_id,
                subject_id=subject_id,
            )
        except subjects.NeverSeen:
            return Media((), problem=UNKNOWN)
        return Media(tuple(_locations(row.get("locations")))[:MOST_LOCATIONS])

    key = ("locations", workflow_id, subject_id)
    return asked(key, ask, otherwise=Media((), problem=AWAY))


def _locations(given: Any) -> Iterator[Location]:
    for location in given if isinstance(given, list) else ():
        for mime, url in location.items() if isinstance(location, dict) else ():
            if _is_mime(mime) and _is_address(url):
                yield Location(mime, url)


def _is_mime(mime: str) -> bool:
    return re.fullmatch(r"[a-z]{1,20}/[a-z0-9.+-]{1,60}", mime) is not None


def _is_address(url: Any) -> bool:
    """Whether pages may show it: only https, and in development what the stand-in serves."""
    if not isinstance(url, str) or re.fullmatch(r"[!-~]{1,2000}", url) is None:
        return False
    try:
        address = urlsplit(url)
    except ValueError:
        return False
    if media_hosts.is_of_stand_in(url):
        return True
    return address.scheme == "https" and bool(address.hostname)
