"""Fingerprints: whether a part of a configuration is still as its editor saw it."""

import hashlib
from typing import Any

from caesar_web.domain.documents import SETTINGS
from caesar_web.store.configuration import Extractor, Reducer, Workflow
from caesar_web.store.db import dump_json
from caesar_web.store.effects import AnyRule
from caesar_web.store.transfer import extractor_options, reducer_options

DIGITS = 16


def fingerprint(part: AnyRule | Extractor | Reducer) -> str:
    """A short text that is another one as soon as the part, as it is stored, says another thing."""
    return _digest(_said(part))


def fingerprint_of_settings(workflow: Workflow) -> str:
    """The same for what the page of settings shows of a workflow."""
    settings = {name: getattr(workflow, name) for name in SETTINGS}
    return _digest([workflow.id, settings, workflow.custom_queue_name])


def _digest(said: list[Any]) -> str:
    return hashlib.sha256(dump_json(said).encode()).hexdigest()[:DIGITS]


def _said(part: AnyRule | Extractor | Reducer) -> list[Any]:
    if isinstance(part, Extractor):
        return [part.id, part.key, extractor_options(part)]
    if isinstance(part, Reducer):
        return [part.id, part.key, reducer_options(part)]
    effects = [(one.id, one.revision, one.action, one.config) for one in part.effects]
    return [part.condition, effects]
