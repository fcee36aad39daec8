"""What the client makes of a server that misbehaves."""

import gzip
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from caesar_web.panoptes.client import Panoptes
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.panoptes.exchange import BODY_LIMIT
from tests.panoptes.scripted import Reply, Script, Scripted, Seen, TokenDesk, scripted_server

ROW = {"workflows": [{"id": "100"}]}


def client(server: Scripted, read_timeout: float = 20) -> Panoptes:
    return Panoptes(server.url, "caesar", "the-secret", timeout=(5, read_timeout))


def failure(script: Script, act: Callable[[Panoptes], object]) -> tuple[PanoptesError, Scripted]:
    """What `act` raises, and the server that it spoke to."""
    with (
        scripted_server(TokenDesk(script)) as server,
        pytest.raises(PanoptesError) as caught,
    ):
        act(client(server))
    assert "token-" not in str(caught.value)
    assert "the-secret" not in str(caught.value)
    return caught.value, server


def read(panoptes: Panoptes) -> object:
    return panoptes.workflow(100)


def write(panoptes: Panoptes) -> None:
    panoptes.retire(100, [70], reason="other")


def test_a_dead_token_is_renewed_once_and_the_write_repeated() -> None:
    def script(seen: Seen) -> Reply:
        return Reply(401) if seen.token == "token-1" else Reply(204)

    with scripted_server(TokenDesk(script)) as server:
        panoptes = client(server)
        panoptes.retire(100, [70], reason="other")
        panoptes.retire(100, [71], reason="other")
    sent = server.asked("/api/workflows/100/retired_subjects")
    assert [request.token for request in sent] == ["token-1", "token-2", "token-2"]
    assert sent[0].body == sent[1].body
    assert len(server.asked("/oauth/token")) == 2


@pytest.mark.parametrize("act", [read, write])
def test_a_renewed_token_that_is_refused_too_is_not_permanent(
    act: Callable[[Panoptes], object],
) -> None:
    error, server = failure(lambda seen: Reply(401), act)
    assert (error.status, error.permanent) == (401, False)
    assert len(server.asked("/oauth/token")) == 2
    assert len(server.seen) == 4


def test_without_a_token_nothing_is_sent() -> None:
    with scripted_server(lambda seen: Reply(401)) as server:
        with pytest.raises(PanoptesError) as caught:
            write(client(server))
        assert [request.path for request in server.seen] == ["/oauth/token"]
    assert not caught.value.permanent


@pytest.mark.parametrize("act", [read, write])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int, act: Callable[[Panoptes], object]) -> None:
    with scripted_server(TokenDesk(lambda seen: Reply(body=ROW))) as elsewhere:
        location = {"Location": f"{elsewhere.url}/api/workflows/100"}
        error, _ = failure(lambda seen: Reply(status, headers=location), act)
        assert elsewhere.seen == []
    assert (error.status, error.permanent) == (status, False)


@pytest.mark.parametrize("act", [read, write])
@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"x" * (BODY_LIMIT + 1)),
        Reply(body=gzip.compress(bytes(BODY_LIMIT + 1)), headers={"Content-Encoding": "gzip"}),
    ],
    ids=["plain", "compressed"],
)
def test_a_huge_body_is_refused(reply: Reply, act: Callable[[Panoptes], object]) -> None:
    error, _ = failure(lambda seen: reply, act)
    assert f"more than {BODY_LIMIT} bytes" in error.message
    assert not error.permanent


def test_a_body_at_the_limit_is_read() -> None:
    body = b'{"workflows":[{"id":"100"}]}'.ljust(BODY_LIMIT)
    with scripted_server(TokenDesk(lambda seen: Reply(body=body))) as server:
        assert client(server).workflow(100) == {"id": "100"}


@pytest.mark.parametrize("act", [read, write])
@pytest.mark.parametrize("body", [b"<html>Hi</html>", b"\xff\xfe", b"[]", b"7", b"[" * 100_000])
def test_a_success_in_another_language_is_a_failure(
    body: bytes, act: Callable[[Panoptes], object]
) -> None:
    error, server = failure(lambda seen: Reply(body=body), act)
    path = server.seen[-1].path
    assert error.message.startswith("Panoptes answered ")
    assert error.message.endswith(f"{path} with something that is not a JSON object")
    assert not error.permanent


@pytest.mark.parametrize("body", [{}, {"workflows": {}}, {"workflows": [7]}, {"workflows": []}])
def test_a_read_without_its_row_is_a_failure(body: object) -> None:
    error, _ = failure(lambda seen: Reply(body=body), read)
    assert not error.permanent


def test_an_empty_answer_to_a_read_is_a_failure() -> None:
    error, _ = failure(lambda seen: Reply(204), read)
    assert not error.permanent


@pytest.mark.parametrize("reply", [Reply(204), Reply(200), Reply(200, b" \n"), Reply(200, {})])
def test_an_empty_answer_to_a_write_is_a_success(reply: Reply) -> None:
    with scripted_server(TokenDesk(lambda seen: reply)) as server:
        write(client(server))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b'{"workflows":', headers={"Content-Length": "900"}),
        Reply(body=b"plain", headers={"Content-Encoding": "gzip"}),
    ],
    ids=["cut off", "not as declared"],
)
def test_a_broken_body_is_a_failure(reply: Reply) -> None:
    error, _ = failure(lambda seen: reply, read)
    assert "GET /api/workflows/100" in error.message
    assert not error.permanent


def test_a_wait_is_passed_on() -> None:
    error, _ = failure(lambda seen: Reply(429, headers={"Retry-After": "17"}), write)
    assert (error.status, error.permanent, error.retry_after) == (429, False, 17.0)


def test_a_server_that_never_answers() -> None:
    over = threading.Event()

    def never(seen: Seen) -> Reply:
        over.wait(30)
        return Reply()

    with scripted_server(TokenDesk(never)) as server:
        with pytest.raises(PanoptesError) as caught:
            write(client(server, read_timeout=0.2))
        over.set()
    error = caught.value
    expected = "Panoptes did not answer POST /api/workflows/100/retired_subjects in time"
    assert (error.message, error.permanent, error.status) == (expected, False, None)


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        panoptes = Panoptes(f"http://127.0.0.1:{taken.getsockname()[1]}", "caesar", "the-secret")
        with pytest.raises(PanoptesError) as caught:
            write(panoptes)
    assert "The connection to Panoptes failed" in caught.value.message
    assert (caught.value.permanent, caught.value.status) == (False, None)


def test_cookies_are_not_kept() -> None:
    reply = Reply(body=ROW, headers={"Set-Cookie": "_Panoptes_session=abc; path=/"})
    with scripted_server(TokenDesk(lambda seen: reply)) as server:
        panoptes = client(server)
        panoptes.workflow(100)
        panoptes.workflow(100)
    assert all("Cookie" not in request.headers for request in server.seen)


def test_a_netrc_file_does_not_replace_the_token(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with scripted_server(TokenDesk(lambda seen: Reply(body=ROW))) as server:
        client(server).workflow(100)
    assert server.seen[-1].token == "token-1"


def test_threads_share_a_client() -> None:
    with scripted_server(TokenDesk(lambda seen: Reply(204))) as server:
        panoptes = client(server)
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda n: panoptes.retire(100, [n], reason="other"), range(40)))
    assert len(server.asked("/api/workflows/100/retired_subjects")) == 40
    assert len(server.asked("/oauth/token")) == 1
