"""Paths to return to: the browser stays with us, whatever they say, and each is used once."""

import random
from string import ascii_letters
from urllib.parse import quote, urljoin, urlsplit

import pytest
from flask import Flask, session
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.utils import redirect

from caesar_web.access import own_paths

HERE = "https://caesar.example"
OWN = [
    "/",
    "/workflows/100",
    "/workflows/100/configuration?copy_from=5&x=%2F%2Fevil.example",
    "/workflows?next=https://evil.example",
    "/%2f%2fevil.example",
    "/%5cevil.example",
    "/..//evil.example",
    "/@evil.example",
    "/javascript:alert(1)",
    "/workflows#//evil.example",
    "/" + "x" * (own_paths.LONGEST - 1),
]
NOT_OWN = [
    "",
    "workflows",
    "https://evil.example/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/x\\..\\evil",
    "javascript:alert(1)",
    "data:text/html,x",
    " //evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\nSet-Cookie: a=b",
    "/\0",
    "/\x7f",
    "/\x85/evil.example",
    "/\u2028/evil.example",
    "/\u202e",
    "/\ud800",
    "/\uff0fevil.example",
    "/workflows/\u00e4",
    "\uff0f\uff0fevil.example",
    "//[evil",
    "/" + "x" * own_paths.LONGEST,
]


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    app.secret_key = "a secret of tests"
    return app


@pytest.mark.parametrize("path", OWN)
def test_paths_of_ours(path: str) -> None:
    assert own_paths.is_own_path(path)


@pytest.mark.parametrize("path", NOT_OWN, ids=ascii)
def test_everything_else(path: str) -> None:
    assert not own_paths.is_own_path(path)


@given(st.text(alphabet=st.characters() | st.sampled_from("/\\.:@?#%\t\n"), max_size=12))
def test_a_browser_that_is_sent_there_stays_here(rest: str) -> None:
    for path in (rest, f"/{rest}", f"//{rest}"):
        if own_paths.is_own_path(path):
            location = redirect(path).headers["Location"]
            # As browsers do it, and not only as the standard says.
            seen = "".join(location.replace("\\", "/").split())
            assert not seen.startswith("//")
            assert urlsplit(urljoin(HERE, seen)).netloc == "caesar.example"


def test_it_is_used_once(app: Flask) -> None:
    with app.test_request_context():
        own_paths.remember("/workflows/100")
        assert [own_paths.take("/session") for _ in range(2)] == ["/workflows/100", "/session"]


def test_what_is_not_ours_is_not_remembered(app: Flask) -> None:
    with app.test_request_context():
        own_paths.remember("/workflows/100")
        own_paths.remember("//evil.example")
        assert own_paths.take("/session") == "/workflows/100"


@pytest.mark.parametrize("kept", ["//evil.example", 5, ["/"], None])
def test_what_an_older_version_kept_is_looked_at_again(app: Flask, kept: object) -> None:
    with app.test_request_context():
        session["return_to"] = kept
        assert own_paths.take("/session") == "/session"


@pytest.mark.parametrize(
    "path", ["/workflows", "/workflows/1?a=b%20c&d=%2F", quote("/wörk/löwe"), "/a%3Fb?c", "/%25"]
)
def test_this_page_is_what_the_browser_asked_for(app: Flask, path: str) -> None:
    with app.test_request_context(path):
        assert own_paths.this_page() == path
        assert own_paths.is_own_path(own_paths.this_page())


def test_the_longest_leaves_room_in_the_cookie(app: Flask) -> None:
    letters = random.Random(1).choices(ascii_letters, k=own_paths.LONGEST)  # hard to compress

    @app.get("/")
    def remembering() -> str:
        own_paths.remember("/" + "".join(letters[: own_paths.LONGEST - 1]))
        session.update(departure=["s" * 64, "v" * 64], draft="d" * 43, csrf_token="c" * 40)
        session.update(person=2**62, _user_id="u" * 43, _id="i" * 128)
        return ""

    assert (
        app.test_client().get("/").headers["Set-Cookie"]
    )  # a cookie that is too large is a warning, and so an error
