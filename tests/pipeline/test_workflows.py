"""What Panoptes says of a workflow that is added, also where it answers oddly."""

from typing import Any

import pytest

from caesar_web.panoptes.client import Panoptes
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.pipeline.workflows import Description, describe
from tests.standin.server import StandinServer


@pytest.fixture
def panoptes(standin: StandinServer) -> Panoptes:
    return Panoptes(standin.url, standin.client_id, standin.client_secret)


def test_a_workflow_is_described(panoptes: Panoptes) -> None:
    assert describe(panoptes, 100) == Description(100, 10, "Is it a galaxy?", "Galaxy Demo")


def test_an_unknown_one_is_not(panoptes: Panoptes) -> None:
    with pytest.raises(PanoptesError) as raised:
        describe(panoptes, 999)
    assert raised.value.status == 404


@pytest.mark.parametrize(
    "row", [{}, {"links": None}, {"links": {}}, {"links": {"project": "ten"}}, {"links": ["10"]}]
)
def test_one_without_a_project_is_tried_again_later(
    monkeypatch: pytest.MonkeyPatch, panoptes: Panoptes, row: Any
) -> None:
    monkeypatch.setattr(panoptes, "workflow", lambda _: row)
    with pytest.raises(PanoptesError, match="does not say which project") as raised:
        describe(panoptes, 100)
    assert not raised.value.permanent


def test_a_name_that_is_no_text_is_none(
    monkeypatch: pytest.MonkeyPatch, panoptes: Panoptes
) -> None:
    row = {"display_name": {"en": "Galaxies"}, "links": {"project": "10"}}
    monkeypatch.setattr(panoptes, "workflow", lambda _: row)
    assert describe(panoptes, 100).name is None
