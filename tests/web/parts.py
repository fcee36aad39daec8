"""What the tests of extractors' and reducers' pages share."""

from typing import Any

from flask import Flask

from caesar_web.pipeline.ingest import take_in
from caesar_web.store.db import db
from tests.factories import START, make_event
from tests.pages import Element


def arrive(app: Flask, id: int, **event: Any) -> None:
    """A classification comes and waits."""
    with app.app_context(), db.session.begin():
        taken = take_in(db.session(), [make_event(id, **event)], now=START)
    assert taken.kept == 1


def part_form(page: Element) -> Element:
    """The form of the extractor or reducer."""
    (form,) = (one for one in page.all("form") if "part" in one.attributes.get("class", "").split())
    return form


def typed(page: Element, name: str) -> str:
    """What stands in the first field with this name, or is chosen there."""
    for field in page.all("input", "textarea", "select"):
        if field.attributes.get("name") == name:
            chosen = [one for one in field.all("option") if "selected" in one.attributes]
            return (chosen[0] if chosen else field).attributes.get("value", "")
    raise LookupError(name)


def ticked(page: Element, name: str) -> list[str]:
    """The boxes with this name that are ticked."""
    boxes = [one for one in page.all("input") if one.attributes.get("name") == name]
    return [one.attributes["value"] for one in boxes if "checked" in one.attributes]


def words(page: Element, id: str) -> str:
    """The text of what has this id."""
    (found,) = [one for one in page.walk() if one.attributes.get("id") == id]
    return found.text


def problems(page: Element) -> list[str]:
    """What the summary at the top says is wrong; each leads to its field."""
    (summary,) = [each for each in page.all("div") if each.attributes.get("role") == "alert"]
    return [link.text for link in summary.all("a")]
