"""Pictures and texts of subjects, which pages show without leaving the machine."""

from xml.etree import ElementTree

import requests

from caesar_web.standin.pictures import drawing
from caesar_web.standin.seed import DAVE
from caesar_web.standin.writings import writing
from tests.standin.server import StandinServer


def test_every_subject_has_a_picture_of_its_own(standin: StandinServer) -> None:
    for subject_id in (70, 1001, 2001):
        (row,) = standin.api("GET", f"/subjects/{subject_id}").json()["subjects"]
        ((mime, url),) = row["locations"][0].items()
        answer = requests.get(url, timeout=10)
        assert (answer.status_code, answer.text) == (200, drawing(subject_id))
        assert url.startswith(f"{standin.url}/")
        assert answer.headers["Content-Type"].startswith(mime)
    assert requests.get(f"{standin.url}/media/9.svg", timeout=10).status_code == 404


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
