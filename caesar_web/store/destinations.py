"""Where actions go, as a condition of statements: to Panoptes, or to addresses elsewhere."""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, String, func, or_

from caesar_web.domain.hosts import ELSEWHERE
from caesar_web.store.db import among


class Going(NamedTuple):
    """Some actions by where they go: all that go to Panoptes, or none; and to these addresses."""

    in_panoptes: bool = False
    urls: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return self.in_panoptes or bool(self.urls)


def is_elsewhere(table: Any) -> ColumnElement[bool]:
    """Whether an action goes to an address that somebody gave."""
    found: ColumnElement[bool] = table.effect_type.in_(ELSEWHERE)
    return found


def url_of(table: Any) -> Any:
    """That address; an action in Panoptes has none."""
    return func.coalesce(table.config["url"].as_string(), "")


def goes(table: Any, going: Going) -> ColumnElement[bool]:
    """Whether an action goes there."""
    there = among(url_of(table), going.urls, member=String)
    found = is_elsewhere(table) & there
    return or_(found, ~is_elsewhere(table)) if going.in_panoptes else found
