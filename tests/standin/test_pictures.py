"""Pictures and texts of subjects, which pages show without leaving the machine."""

from xml.etree import ElementTree

import pytest
import requests

from caesar_web.standin.answers import truths
from caesar_web.standin.marks import middle
from caesar_web.standin.pictures import drawing
from caesar_web.standin.seed import DAVE
from caesar_web.standin.seed_tasks import BOXES, OUTLINES, STARS
from caesar_web.standin.volunteers import nature_of
from caesar_web.standin.writings import writing
from tests.standin.server import JSON, StandinServer


def test_every_subject_has_a_picture_of_its_own(standin: StandinServer) -> None:
    for subject_id in (70, 1001, 1201):
        (row,) = standin.api("GET", f"/subjects/{subject_id}").json()["subjects"]
        ((mime, url),) = row["locations"][0].items()
        answer = requests.get(url, timeout=10)
        assert (answer.status_code, answer.text) == (200, drawing(subject_id))
        assert url.startswith(f"{standin.url}/")
        assert answer.headers["Content-Type"].startswith(mime)
    assert requests.get(f"{standin.url}/media/9.svg", timeout=10).status_code == 404


@pytest.mark.parametrize(
    ("workflow_id", "tasks", "first_id"),
    [(102, STARS, 1301), (103, OUTLINES, 1301), (201, BOXES, 2001)],
)
def test_what_is_to_be_marked_is_in_the_picture(
    standin: StandinServer, workflow_id: int, tasks: JSON, first_id: int
) -> None:
    shown = 0
    for subject_id in range(first_id, first_id + 5):
        text = requests.get(f"{standin.url}/media/{subject_id}.svg", timeout=10).text
        for mark in truths(tasks, {}, nature_of(workflow_id, subject_id))["T0"]:
            x, y = mark["points"][0].values() if "points" in mark else middle(mark)
            place = f'points="{x},{y}' if "points" in mark else f'cx="{x:.1f}" cy="{y:.1f}"'
            assert place in text
            shown += 1
    assert shown > 3


def test_a_page_has_its_text_too(standin: StandinServer) -> None:
    token = standin.token(DAVE)
    (row,) = standin.api("GET", "/subjects/3001", token=token).json()["subjects"]
    picture, text = row["locations"]
    assert [*picture] == ["image/svg+xml"]
    answer = requests.get(text["text/plain"], timeout=10)
    assert (answer.status_code, answer.text) == (200, writing(3001))
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert writing(3001) != writing(3002)
    assert requests.get(f"{standin.url}/media/9.txt", timeout=10).status_code == 404


def test_pictures_differ_and_stay() -> None:
    drawings = [drawing(subject_id) for subject_id in range(1000, 1050)]
    assert len(set(drawings)) == 50
    assert drawings == [drawing(subject_id) for subject_id in range(1000, 1050)]
    for text in drawings:
        root = ElementTree.fromstring(text)  # noqa: S314  # our own drawing
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "script" not in text
