"""The guarded client against a hostile internet."""

import base64
import gzip
import hmac
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from caesar_web.external.http import ExternalError, GuardedClient
from caesar_web.external.signing import signature
from tests.external.internet import Authority, Behaviour, Internet, Server, hostile_server

PUBLIC = "93.184.216.34"
HOST = "good.example"
URL = f"https://{HOST}/hook"

Serve = Callable[..., Server]


@pytest.fixture
def serve(internet: Internet, authority: Authority) -> Iterator[Serve]:
    """Puts a server at the public address of HOST."""
    with ExitStack() as stack:

        def start(behave: Behaviour, *, certified: str = HOST, self_signed: bool = False) -> Server:
            tls = authority.server(certified, self_signed=self_signed)
            server = stack.enter_context(hostile_server(behave, tls=tls))
            internet.name(HOST, PUBLIC)
            internet.ports[PUBLIC] = server.port
            return server

        yield start


def answering(body: bytes = b"{}", *, status: str = "200 OK", headers: str = "") -> Behaviour:
    head = f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return lambda connection: connection.sendall(head.encode() + body)


def endless(head: bytes, piece: bytes, *, pause: float = 0) -> Behaviour:
    """Sends the piece again and again until the client is gone."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(head)
        gone = threading.Event()
        while not gone.wait(pause):
            connection.sendall(piece)

    return behave


def refused(call: Callable[[], Any]) -> ExternalError:
    with pytest.raises(ExternalError) as caught:
        call()
    assert "secret" not in caught.value.message
    return caught.value


def test_a_body_goes_out_as_json_and_the_answer_comes_back(
    serve: Serve, internet: Internet
) -> None:
    server = serve(answering(b'{"a":1}', status="201 Created"))
    answer = GuardedClient().post(f"{URL}?key=1", {"big": 2**70, "text": "ü"})
    assert (answer.status, answer.body) == (201, b'{"a":1}')
    assert 0 < answer.seconds < 60
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert json.loads(body) == {"big": 2**70, "text": "ü"}
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /hook?key=1 HTTP/1.1"
    assert {
        "Accept: application/json",
        "Content-Type: application/json",
        f"Host: {HOST}",
    } <= set(lines)
    assert not any(line.startswith(("Authorization", "Cookie")) for line in lines)
    assert internet.connected == [(PUBLIC, 443)]


def test_a_body_is_signed_with_a_secret(serve: Serve) -> None:
    server = serve(answering(b""))
    started = int(time.time())
    GuardedClient().post(URL, {"a": "ü"}, secret="shared")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    (header,) = re.findall(r"X-Caesar-Signature: t=(\d+),v1=([0-9a-f]+)\r\n", head.decode())
    told, found = header
    assert started <= int(told) <= time.time()
    assert found == hmac.new(b"shared", f"{told}.".encode() + body, "sha256").hexdigest()


def test_a_signature_as_others_compute_it() -> None:
    # printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac shared
    expected = "e8a57bb8048d18391d3eb8464b2c3398b36bce5c7b179e65e3ef49430731b313"
    assert signature("shared", b'{"a":1}', at=1_700_000_000) == f"t=1700000000,v1={expected}"


def test_a_get_has_no_body(serve: Serve) -> None:
    server = serve(answering(b"a,b\n"))
    assert GuardedClient().get(URL).body == b"a,b\n"
    assert server.requests[0].startswith(b"GET /hook HTTP/1.1\r\n")
    assert b"Content-" not in server.requests[0]


@pytest.mark.parametrize(
    ("most", "body", "is_cut"), [(3, b"abcd", True), (4, b"abcd", False), (9, b"abcd", False)]
)
def test_only_the_beginning_is_fetched(serve: Serve, most: int, body: bytes, is_cut: bool) -> None:
    server = serve(answering(body))
    answer = GuardedClient().beginning(URL, most_bytes=most)
    assert (answer.body, answer.is_cut) == (body[:most], is_cut)
    assert b"Accept: */*\r\n" in server.requests[0]


def test_the_beginning_of_what_never_ends(serve: Serve) -> None:
    serve(endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1000))
    answer = GuardedClient(most_bytes=100_000).beginning(URL, most_bytes=10_000)
    assert (answer.body, answer.is_cut) == (b"x" * 10_000, True)


@pytest.mark.parametrize(
    ("given", "sent"),
    [(None, "me:sécret@1"), (("you", "pa:ss"), "you:pa:ss")],
)
def test_credentials_in_the_url_go_to_its_host_unless_others_are_given(
    given: tuple[str, str] | None, sent: str, serve: Serve
) -> None:
    server = serve(answering())
    GuardedClient().post(f"https://me:s%C3%A9cret%401@{HOST}/", {}, auth=given)
    expected = base64.b64encode(sent.encode())
    assert b"Authorization: Basic " + expected + b"\r\n" in server.requests[0]


def test_nothing_is_taken_from_the_environment_and_nothing_is_kept(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text(f"machine {HOST} login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    server = serve(answering(headers="Set-Cookie: a=b; Path=/\r\n"))
    client = GuardedClient()
    client.get(URL)
    client.get(URL)
    assert len(server.requests) == 2
    assert not any(b"Cookie" in seen or b"Authorization" in seen for seen in server.requests)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://[::]/",
        "https://[::1]/",
        "https://0.0.0.0/",
        "https://255.255.255.255/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/",
        "https://[fec0::1]/",
        "https://good.example:secret@127.0.0.1/",
        "https://localhost/",
        "https://metadata.google.internal/",
        "https://both.example/",
        "https://both-turned.example/",
        "https://site-local.example/",
    ],
)
def test_what_is_not_public_is_never_connected_to(url: str, internet: Internet) -> None:
    internet.name("localhost", "127.0.0.1", "::1")
    internet.name("metadata.google.internal", "169.254.169.254")
    internet.name("both.example", PUBLIC, "10.0.0.1")
    internet.name("both-turned.example", "10.0.0.1", PUBLIC)
    internet.name("site-local.example", "fec0::1")
    problem = refused(lambda: GuardedClient(http_to_loopback=True).get(url))
    assert "not a public address" in problem.message
    assert problem.permanent
    assert internet.connected == []


@pytest.mark.parametrize("url", ["https://me:secret@good.example:0/", "http://good.example/"])
def test_a_url_that_is_refused_is_refused_for_good(url: str, internet: Internet) -> None:
    problem = refused(lambda: GuardedClient().post(url, {}))
    assert problem.permanent
    assert problem.status is None
    assert internet.connected == []


@pytest.mark.parametrize("later", ["10.0.0.1", "127.0.0.1", "fec0::1", "::7f00:1"])
def test_a_name_that_changes_after_the_check_is_checked_again(
    later: str, internet: Internet
) -> None:
    answers = iter([[PUBLIC]])
    internet.names[HOST] = lambda: next(answers, [later])
    problem = refused(lambda: GuardedClient().get(URL))
    assert "not a public address" in problem.message
    assert problem.permanent
    assert internet.connected == []


def test_a_name_that_changes_after_the_last_check_changes_nothing(
    serve: Serve, internet: Internet
) -> None:
    serve(answering())
    answers = iter([[PUBLIC], [PUBLIC]])
    internet.names[HOST] = lambda: next(answers, ["10.0.0.1"])
    assert GuardedClient().get(URL).status == 200
    assert internet.connected == [(PUBLIC, 443)]


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "304 Same"])
def test_redirects_are_not_followed(status: str, serve: Serve, internet: Internet) -> None:
    server = serve(answering(status=status, headers="Location: https://127.0.0.1/\r\n"))
    problem = refused(lambda: GuardedClient().get(f"https://me:secret@{HOST}/"))
    assert "redirects are not followed" in problem.message
    assert (problem.permanent, problem.status) == (False, int(status[:3]))
    assert len(server.requests) == 1
    assert internet.connected == [(PUBLIC, 443)]


@pytest.mark.parametrize("status", ["400 No", "404 None", "500 Oh", "503 Later", "999 What"])
def test_a_status_that_is_no_success_may_be_tried_again(status: str, serve: Serve) -> None:
    serve(answering(status=status))
    problem = refused(lambda: GuardedClient().post(URL, []))
    assert problem.message == f"{HOST} answered with status {status[:3]}"
    assert (problem.permanent, problem.status) == (False, int(status[:3]))


OK = b"HTTP/1.1 200 OK\r\n"
BOMB = gzip.compress(bytes(4_000_000))


@pytest.mark.parametrize(
    "behave",
    [
        endless(OK + b"\r\n", b"x" * 10_000),
        endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nxxxxx\r\n"),
        answering(b"x" * 100_001),
        answering(BOMB, headers="Content-Encoding: gzip\r\n"),
        answering(gzip.compress(BOMB), headers="Content-Encoding: gzip, gzip\r\n"),
    ],
    ids=["endless", "endless chunks", "one too many", "gzip bomb", "bomb in a bomb"],
)
def test_a_body_has_a_limit(behave: Behaviour, serve: Serve) -> None:
    serve(behave)
    problem = refused(lambda: GuardedClient(most_bytes=100_000).get(URL))
    assert problem.message == f"{HOST} answered with more than 100000 bytes"
    assert not problem.permanent


def test_a_body_up_to_the_limit_is_read_and_unpacked(serve: Serve) -> None:
    serve(answering(gzip.compress(b"x" * 100_000), headers="Content-Encoding: gzip\r\n"))
    assert GuardedClient(most_bytes=100_000).get(URL).body == b"x" * 100_000


@pytest.mark.parametrize("status", [b"200 OK", b"302 Found\r\nLocation: https://127.0.0.1/"])
@pytest.mark.parametrize(
    "head", [b"\r\nX-Slow: ", b"\r\nContent-Length: 1000\r\n\r\n", b"\r\n\r\n"]
)
def test_a_drip_of_bytes_has_a_total_time(head: bytes, status: bytes, serve: Serve) -> None:
    serve(endless(b"HTTP/1.1 " + status + head, b"x", pause=0.05))
    client = GuardedClient(timeout=(5, 5), most_seconds=1)
    started = time.monotonic()
    problem = refused(lambda: client.get(URL))
    assert time.monotonic() - started < 4
    slow_head = head.endswith(b": ")
    if status.startswith(b"200") or slow_head:
        assert problem.message == f"{HOST} took longer than 1 seconds in all"
    else:
        assert problem.status == 302  # a redirect's body is of no interest
    assert not problem.permanent


def test_a_body_that_is_not_taken_has_a_total_time() -> None:
    client = GuardedClient(http_to_loopback=True, timeout=(5, 5), most_seconds=0.5)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        problem = refused(lambda: client.post(url, "x" * 20_000_000))
    assert "took longer than 0.5 seconds" in problem.message


def test_a_host_that_says_nothing_runs_out_of_time(serve: Serve) -> None:
    released = threading.Event()
    serve(lambda connection: bool(released.wait(10)) and None)
    try:
        problem = refused(lambda: GuardedClient(timeout=(5, 0.3)).get(URL))
    finally:
        released.set()
    assert problem.message == f"{HOST} did not answer in time"
    assert not problem.permanent


def test_a_host_without_a_handshake_runs_out_of_time(internet: Internet) -> None:
    internet.name(HOST, PUBLIC)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        internet.ports[PUBLIC] = listening.getsockname()[1]
        problem = refused(lambda: GuardedClient(timeout=(0.3, 5)).get(URL))
        assert problem.message == f"{HOST} did not answer in time"
        problem = refused(lambda: GuardedClient(most_seconds=0.3).get(URL))
        assert problem.message == f"{HOST} took longer than 0.3 seconds in all"


@pytest.mark.parametrize(
    "behave",
    [
        lambda connection: None,
        lambda connection: connection.sendall(b"SSH-2.0-OpenSSH\r\n"),
        lambda connection: connection.sendall(OK + b"Content-Length: 9\r\n\r\nshort"),
        lambda connection: connection.sendall(OK + b"Content-Encoding: gzip\r\n\r\nnot gzip"),
        lambda connection: connection.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
        lambda connection: connection.sendall(OK + b"A: b\r\n" * 1000 + b"\r\n"),
    ],
    ids=["nothing", "not HTTP", "cut short", "not gzip", "no chunk", "many headers"],
)
def test_nonsense_is_a_failed_connection(behave: Behaviour, serve: Serve) -> None:
    serve(behave)
    problem = refused(lambda: GuardedClient().get(f"{URL}?key=secret"))
    assert problem.message.startswith(f"The connection to {HOST} failed")
    assert not problem.permanent


@pytest.mark.parametrize(
    ("certified", "self_signed", "reason"),
    [("other.example", False, "doesn't match"), (HOST, True, "self-signed")],
)
def test_a_certificate_must_be_for_the_host_and_of_a_known_authority(
    certified: str, self_signed: bool, reason: str, serve: Serve
) -> None:
    server = serve(answering(), certified=certified, self_signed=self_signed)
    problem = refused(lambda: GuardedClient().get(f"https://me:secret@{HOST}/"))
    assert f"The certificate of {HOST} is not accepted" in problem.message
    assert reason in problem.message
    assert not problem.permanent
    assert server.requests == []


def test_a_host_that_does_not_speak_tls_is_refused(internet: Internet) -> None:
    internet.name(HOST, PUBLIC)
    with socket.create_server(("127.0.0.1", 0)) as mail, ThreadPoolExecutor(1) as pool:
        internet.ports[PUBLIC] = mail.getsockname()[1]
        call = pool.submit(refused, lambda: GuardedClient().get(URL))
        connection, _ = mail.accept()
        with connection:
            connection.sendall(b"220 mail.example ESMTP\r\n")
            problem = call.result(20)
    assert problem.message == f"No secure connection to {HOST} came about"


def test_a_host_that_is_not_there_may_be_there_later(internet: Internet) -> None:
    problem = refused(lambda: GuardedClient().get(URL))
    assert problem.message == f"The name {HOST} cannot be resolved"
    assert not problem.permanent
    internet.name(HOST, PUBLIC)
    problem = refused(lambda: GuardedClient().get(URL))
    assert problem.message == f"The connection to {HOST} failed (ConnectionError)"
    assert not problem.permanent


def test_http_reaches_this_machine_where_that_is_allowed() -> None:
    with hostile_server(answering(b"[]")) as server:
        url = f"http://127.0.0.1:{server.port}/"
        assert GuardedClient(http_to_loopback=True).post(url, {}).body == b"[]"
        problem = refused(lambda: GuardedClient().post(url, {}))
    assert problem.permanent
    assert len(server.requests) == 1


def test_http_reaches_no_other_machine(internet: Internet) -> None:
    internet.name(HOST, PUBLIC)
    answers = iter([["127.0.0.1"]])
    internet.names["turning.example"] = lambda: next(answers, [PUBLIC])
    client = GuardedClient(http_to_loopback=True)
    for host in (HOST, "turning.example", "10.0.0.1"):
        with pytest.raises(ExternalError) as caught:
            client.get(f"http://{host}/")
        assert caught.value.permanent
    assert internet.connected == []


def test_threads_share_a_client_and_leave_nothing_behind(serve: Serve) -> None:
    server = serve(answering())
    client = GuardedClient()
    before = threading.active_count()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: client.get(URL).status, range(12)))
    assert answers == [200] * 12
    assert len(server.requests) == 12
    limit = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < limit:
        threading.Event().wait(0.01)
    assert threading.active_count() == before
