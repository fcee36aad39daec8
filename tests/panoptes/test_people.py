"""Signing in and a person's projects: with the stand-in, and with servers that answer oddly."""

import re
import socket
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from caesar_web.panoptes.bearer import PublicKeys
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.panoptes.people import PAGE_LIMIT, People, PersonTokens, Refused
from tests.panoptes.scripted import Reply, Script, Scripted, Seen, TokenDesk, scripted_server
from tests.standin.server import Clock, StandinServer

ROOT, ALICE, BOB, CAROL, DAVE = 1, 2, 3, 4, 5
ALICES = [10, 20, *range(1001, 1025)]
CALLBACK = "http://127.0.0.1:3000/auth/zooniverse/callback"
SECRET = "the-secret"


@pytest.fixture
def people(standin: StandinServer, clock: Clock) -> Iterator[People]:
    people = People(standin.url, standin.client_id, standin.client_secret, now=clock)
    with closing(people):
        yield people


def asked(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query, strict_parsing=True)


def code_for(people: People, login: str, redirect_uri: str = CALLBACK) -> tuple[str, str]:
    """The code that the person comes back with, and the verifier that was kept."""
    departure = people.departure(redirect_uri)
    answer = requests.get(f"{departure.url}&as={login}", allow_redirects=False, timeout=10)
    back = asked(answer.headers["Location"])
    assert back["state"] == [departure.state]
    return back["code"][0], departure.verifier


def signed_in(people: People, login: str = "alice") -> PersonTokens:
    code, verifier = code_for(people, login)
    return people.arrive(CALLBACK, code=code, verifier=verifier)


def sent(standin: StandinServer, path: str) -> list[dict[str, list[str]]]:
    return [parse_qs(entry["query"]) for entry in standin.log(path)]


def test_a_departure_asks_for_user_and_public_and_has_a_challenge(people: People) -> None:
    departure = people.departure(CALLBACK)
    challenge = urlsafe_b64encode(sha256(departure.verifier.encode()).digest()).rstrip(b"=")
    assert urlsplit(departure.url).path == "/oauth/authorize"
    assert asked(departure.url) == {
        "response_type": ["code"],
        "client_id": ["caesar"],
        "redirect_uri": [CALLBACK],
        "scope": ["user public"],
        "state": [departure.state],
        "code_challenge": [challenge.decode()],
        "code_challenge_method": ["S256"],
    }
    assert re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", departure.verifier)
    assert len(departure.state) >= 43


def test_no_two_departures_are_alike(people: People) -> None:
    first, second = people.departure(CALLBACK), people.departure(CALLBACK)
    assert len({first.state, first.verifier, second.state, second.verifier}) == 4


def test_secrets_are_not_printed(people: People) -> None:
    departure = people.departure(CALLBACK)
    assert departure.verifier not in repr(departure)
    assert "the-access" not in repr(PersonTokens("the-access", "the-refresh"))
    assert "the-refresh" not in repr(PersonTokens("the-access", "the-refresh"))


def test_signing_in(people: People, standin: StandinServer, clock: Clock) -> None:
    code, verifier = code_for(people, "alice")
    tokens = people.arrive(CALLBACK, code=code, verifier=verifier)
    now = datetime.fromtimestamp(clock(), UTC)
    claims = PublicKeys(standin.public_key_pem).verify(tokens.access, now=now)
    assert (claims.user_id, claims.login, claims.name) == (ALICE, "alice", "Alice")
    assert tokens.refresh
    (entry,) = standin.log("/oauth/token")
    assert entry["query"] == ""
    assert entry["content_type"].startswith("application/x-www-form-urlencoded")
    assert entry["body"] == {
        "grant_type": "authorization_code",
        "client_id": "caesar",
        "client_secret": "...",
        "code": code,
        "code_verifier": verifier,
        "redirect_uri": CALLBACK,
    }


def test_the_secret_goes_in_the_body_only() -> None:
    with scripted_server(TokenDesk(refresh_token="r-1")) as server:
        tokens = client(server).arrive(CALLBACK, code="the-code", verifier="the-verifier")
    assert tokens == PersonTokens("token-1", "r-1")
    (request,) = server.seen
    assert request.form["client_secret"] == [SECRET]
    assert "Authorization" not in request.headers
    assert dict(request.query) == {}


def test_a_code_that_is_refused(people: People, clock: Clock) -> None:
    code, verifier = code_for(people, "alice")
    for said, proof in (
        ("guessed", verifier),
        ("", verifier),
        (code, ""),
        (code, "w" * 43),
        (code, verifier),  # spent by the one above
    ):
        with pytest.raises(Refused, match="sign in again") as caught:
            people.arrive(CALLBACK, code=said, verifier=proof)
        assert code not in str(caught.value)
    code, verifier = code_for(people, "alice")
    with pytest.raises(Refused):
        people.arrive("http://127.0.0.1:3000/elsewhere", code=code, verifier=verifier)
    code, verifier = code_for(people, "alice")
    clock.advance(600)
    with pytest.raises(Refused):
        people.arrive(CALLBACK, code=code, verifier=verifier)


def test_renewing_rotates(people: People, standin: StandinServer, clock: Clock) -> None:
    first = signed_in(people)
    assert first.refresh
    clock.advance(7300)
    assert people.project_ids(first.access, ALICE) == []
    second = people.renew(first.refresh)
    assert people.project_ids(second.access, ALICE) == ALICES
    assert second.refresh not in (None, first.refresh)
    with pytest.raises(Refused, match="sign in again"):
        people.renew(first.refresh)
    body = standin.log("/oauth/token")[-1]["body"]
    assert body == {
        "grant_type": "refresh_token",
        "client_id": "caesar",
        "client_secret": "...",
        "refresh_token": first.refresh,
    }


def test_where_no_new_refresh_token_comes_the_old_one_stays() -> None:
    with scripted_server(TokenDesk()) as server:
        assert client(server).renew("r-1") == PersonTokens("token-1", "r-1")
        assert client(server).arrive(CALLBACK, code="c", verifier="v").refresh is None


def test_our_own_credentials_refused_throws_nobody_out(
    people: People, standin: StandinServer
) -> None:
    refresh = signed_in(people).refresh
    assert refresh
    code, verifier = code_for(people, "alice")
    for name, secret in (("caesar", "wrong"), ("nobody", standin.client_secret)):
        with closing(People(standin.url, name, secret)) as misconfigured:
            with pytest.raises(PanoptesError, match="Client authentication failed") as renewing:
                misconfigured.renew(refresh)
            with pytest.raises(PanoptesError, match="Client authentication failed") as arriving:
                misconfigured.arrive(CALLBACK, code=code, verifier=verifier)
        for caught in (renewing, arriving):
            assert (caught.value.permanent, caught.value.status) == (False, 401)
    assert people.renew(refresh)


def test_nothing_to_show_is_refused_without_a_call() -> None:
    with scripted_server(TokenDesk()) as server:
        people = client(server)
        with pytest.raises(Refused):
            people.arrive(CALLBACK, code="", verifier="the-verifier")
        with pytest.raises(Refused):
            people.arrive(CALLBACK, code="the-code", verifier="")
        with pytest.raises(Refused):
            people.renew("")
    assert server.seen == []


def client(server: Scripted, *, read_timeout: float = 20) -> People:
    return People(server.url, "caesar", SECRET, timeout=(5, read_timeout))


def renew(people: People) -> object:
    return people.renew("the-refresh-token")


def arrive(people: People) -> object:
    return people.arrive(CALLBACK, code="the-code", verifier="the-verifier")


def list_projects(people: People) -> object:
    return people.project_ids("the-access-token", ALICE)


def failure(script: Script, act: Callable[[People], object]) -> tuple[PanoptesError, Scripted]:
    """What `act` raises, and the server that it spoke to."""
    with (
        scripted_server(script) as server,
        closing(client(server)) as people,
        pytest.raises(PanoptesError) as caught,
    ):
        act(people)
    for secret in (SECRET, "the-access-token", "the-refresh-token", "the-code", "the-verifier"):
        assert secret not in str(caught.value)
    return caught.value, server


@pytest.mark.parametrize("act", [renew, arrive])
@pytest.mark.parametrize("status", [400, 401])
def test_a_refused_grant(status: int, act: Callable[[People], object]) -> None:
    reply = Reply(status, {"error": "invalid_grant", "error_description": "Revoked, the-code."})
    with scripted_server(lambda seen: reply) as server, pytest.raises(Refused) as caught:
        act(client(server))
    assert "Revoked" not in str(caught.value)
    assert "Zooniverse" in str(caught.value)
    assert len(server.seen) == 1


@pytest.mark.parametrize("act", [renew, arrive])
@pytest.mark.parametrize(
    "reply",
    [
        *(Reply(status) for status in (302, 400, 401, 403, 404, 422, 429, 500, 503)),
        *(Reply(status, {"error": "invalid_grant"}) for status in (403, 422, 500, 503)),
        *(Reply(401, {"error": error}) for error in ("invalid_client", "invalid_request", 7, None)),
        *(Reply(401, body) for body in (b"<html>", b"[]", b"[" * 100_000, b"\xff")),
        *(Reply(200, body) for body in (b"", b"<html>", b"[]", b"[" * 100_000, b"{}")),
        *(Reply(200, {"access_token": odd}) for odd in (None, 7, "", "two words", "a\nb", "é")),
        Reply(200, {"error": "invalid_grant"}),
        Reply(200, b'{"access_token": "x", "expires_in": 1e400}'),
        Reply(200, {"access_token": "x" * 2_000_000}),
        *(
            Reply(200, {"access_token": "x", "refresh_token": odd})
            for odd in (7, "", "two words", ["r"])
        ),
    ],
    ids=lambda reply: f"{reply.status} {str(reply.body)[:40]}",
)
def test_an_odd_answer_throws_nobody_out(reply: Reply, act: Callable[[People], object]) -> None:
    error, server = failure(lambda seen: reply, act)
    assert not error.permanent
    assert len(server.seen) == 1


def test_panoptes_away(standin: StandinServer, people: People) -> None:
    refresh = signed_in(people).refresh
    assert refresh
    standin.fail("/oauth/token", drop=True)
    with pytest.raises(PanoptesError) as caught:
        people.renew(refresh)
    assert not caught.value.permanent
    assert people.renew(refresh)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        nowhere = People(f"http://127.0.0.1:{taken.getsockname()[1]}", "caesar", SECRET)
        for act in (renew, arrive, list_projects):
            with pytest.raises(PanoptesError, match="connection to Panoptes failed"):
                act(nowhere)


def test_a_server_that_never_answers() -> None:
    over = threading.Event()

    def never(seen: Seen) -> Reply:
        over.wait(30)
        return Reply()

    with scripted_server(never) as server:
        people = client(server, read_timeout=0.1)
        for act in (renew, list_projects):
            with pytest.raises(PanoptesError, match="did not answer") as caught:
                act(people)
            assert not caught.value.permanent
        over.set()


@pytest.mark.parametrize(
    ("user_id", "expected"), [(ALICE, ALICES), (BOB, []), (CAROL, []), (DAVE, [30]), (ROOT, [])]
)
def test_the_projects_that_a_person_owns_or_collaborates_on(
    standin: StandinServer, people: People, user_id: int, expected: list[int]
) -> None:
    assert people.project_ids(standin.token(user_id), user_id) == expected
    requests_seen = standin.log("^/api/")
    assert {entry["accept"] for entry in requests_seen} == {"application/vnd.api+json; version=1"}
    assert {entry["user"] for entry in requests_seen} == {user_id}
    assert not any("admin" in query for query in sent(standin, "^/api/"))


def unknown_tokens(standin: StandinServer) -> dict[str, str]:
    revoked = standin.token(ALICE)
    standin.revoke(token=revoked)
    return {
        "revoked": revoked,
        "expired": standin.token(ALICE, -60),
        "foreign": standin.token(ALICE, foreign=True),
        "garbage": "garbage",
    }


def test_b7b_an_unknown_token_has_no_projects(standin: StandinServer, people: People) -> None:
    for token in unknown_tokens(standin).values():
        # The trap: asked with such a token, Panoptes forgets the filter.
        listed = standin.api("GET", "/projects?current_user_roles[]=owner", token=token).json()
        assert len(listed["projects"]) == 20
        standin.clear_log()
        assert people.project_ids(token, ALICE) == []
        assert [entry["path"] for entry in standin.log()] == ["/api/me"]


def test_b7b_a_token_of_somebody_else_has_no_projects(
    standin: StandinServer, people: People
) -> None:
    assert people.project_ids(standin.token(ALICE), DAVE) == []
    assert sent(standin, "/projects") == []


@contextmanager
def in_between(standin: StandinServer, act: Callable[[str], None]) -> Iterator[Scripted]:
    """The stand-in behind a server that lists few rows a page, and acts on what comes by."""

    def forward(seen: Seen) -> Reply:
        query = {**seen.query}
        if "page_size" in query:
            query["page_size"] = ["10"]
        path = f"{seen.path.removeprefix('/api')}?{urlencode(query, doseq=True)}"
        answer = standin.api("GET", path, token=seen.token)
        act(seen.path)
        return Reply(answer.status_code, answer.content)

    with scripted_server(forward) as server:
        yield server


def test_every_page_repeats_the_roles(standin: StandinServer) -> None:
    with in_between(standin, lambda path: None) as server, closing(client(server)) as people:
        assert people.project_ids(standin.token(ALICE), ALICE) == ALICES
    pages = server.asked("/api/projects")
    assert [request.query.get("page") for request in pages] == [None, ["2"], ["3"]]
    for request in pages:
        assert request.query["current_user_roles[]"] == ["owner", "collaborator"]
        assert "admin" not in request.query
    assert pages[0].query["page_size"] == ["100"]


@pytest.mark.parametrize("moment", [1, 2, 3, 4])
def test_b7b_a_token_that_dies_meanwhile_has_no_projects(
    standin: StandinServer, moment: int
) -> None:
    token = standin.token(DAVE)
    passed: list[str] = []

    def revoke_at_that_moment(path: str) -> None:
        passed.append(path)
        if len(passed) == moment:
            standin.revoke(token=token)

    with in_between(standin, revoke_at_that_moment) as server, closing(client(server)) as people:
        assert people.project_ids(token, DAVE) == ([30] if moment > 2 else [])


def me(user_id: object) -> Reply:
    return Reply(body={"users": [{"id": user_id}]})


ALICE_HERSELF = me("2")
NO_ROW_OF_ONE: list[object] = [{}, None, [], [7], [{}], [{"id": "2"}] * 2]
ODD_IDS: list[object] = [10, None, "", "0", "-1", "ten", "1e1", "9" * 19, {}]
NO_DOCUMENTS = (b"", b"<html>", b"[]", b"{}", b"[" * 100_000)


def page(row_ids: list[Any], next_href: object = None) -> Reply:
    rows = [{"id": row_id} for row_id in row_ids]
    return Reply(body={"projects": rows, "meta": {"projects": {"next_href": next_href}}})


def panoptes(*pages: Reply, me: Reply = ALICE_HERSELF) -> Script:
    """A server that answers /me like this, and the list with one page after the other."""
    left = iter(pages)
    return lambda seen: me if seen.path == "/api/me" else next(left)


def ids(script: Script, *, access: str = "the-access-token") -> tuple[list[int], Scripted]:
    with scripted_server(script) as server, closing(client(server)) as people:
        return people.project_ids(access, ALICE), server


def test_ids_are_sorted_and_named_once() -> None:
    pages = (page(["30", "7"], "/projects?page=2&page_size=100"), page(["7", "10"]))
    found, server = ids(panoptes(*pages))
    assert found == [7, 10, 30]
    assert {request.token for request in server.seen} == {"the-access-token"}


@pytest.mark.parametrize(
    "reply", [Reply(401), Reply(401, b"<html>"), Reply(403), me("1"), me("22")], ids=repr
)
def test_b7b_without_a_word_whose_the_token_is_nothing_is_listed(reply: Reply) -> None:
    found, server = ids(panoptes(me=reply))
    assert found == []
    assert [request.path for request in server.seen] == ["/api/me"]


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "é", "日本", "\ud800"])
def test_b7a_what_cannot_be_a_token_is_not_sent(token: str) -> None:
    found, server = ids(panoptes(), access=token)
    assert (found, server.seen) == ([], [])


@pytest.mark.parametrize(
    "reply",
    [
        *(Reply(status) for status in (302, 404, 429, 500, 502, 503)),
        *(Reply(200, body) for body in NO_DOCUMENTS),
        *(Reply(200, {"users": rows}) for rows in NO_ROW_OF_ONE),
        *(me(odd) for odd in (2, None, "", "02", "2 ", "two", "1\u0662", True, ["2"])),
    ],
    ids=lambda reply: f"{reply.status} {str(reply.body)[:40]}",
)
def test_an_odd_word_of_whose_the_token_is(reply: Reply) -> None:
    _, server = failure(panoptes(me=reply), list_projects)
    assert [request.path for request in server.seen] == ["/api/me"]


NEXT = "/projects?page=2"


@pytest.mark.parametrize(
    "pages",
    [
        *([Reply(status)] for status in (302, 401, 403, 404, 500, 502, 503)),
        *([page(["1"], NEXT), Reply(status)] for status in (401, 500, 503)),
        *([Reply(200, body)] for body in NO_DOCUMENTS),
        *([page(["10", odd])] for odd in ODD_IDS),
        [page(["1"], NEXT), page([None])],
        [Reply(200, {"projects": [7], "meta": {"projects": {"next_href": None}}})],
        [Reply(200, {"projects": {}, "meta": {"projects": {"next_href": None}}})],
        [Reply(200, {"subjects": [], "meta": {"subjects": {"next_href": None}}})],
        [Reply(200, {"projects": [{"id": "10"}]})],
        [page(["1"], "https://elsewhere.example/api/projects")],
        [page(["1"], NEXT), page(["1"], NEXT)],
    ],
    ids=lambda pages: " then ".join(f"{reply.status} {str(reply.body)[:40]}" for reply in pages),
)
def test_an_odd_list_is_never_no_projects(pages: list[Reply]) -> None:
    _, server = failure(panoptes(*pages), list_projects)
    assert len(server.asked("/api/projects")) == len(pages)


def test_odd_shapes_are_not_permanent() -> None:
    for script in (panoptes(page([None])), panoptes(me=me(None)), panoptes(me=Reply(503))):
        error, _ = failure(script, list_projects)
        assert not error.permanent


def test_a_list_without_an_end_is_given_up() -> None:
    def endless(seen: Seen) -> Reply:
        if seen.path == "/api/me":
            return me("2")
        number = int(seen.query.get("page", ["1"])[0])
        return page([str(number)], f"/projects?page={number + 1}")

    error, server = failure(endless, list_projects)
    assert not error.permanent
    assert str(PAGE_LIMIT) in error.message
    assert len(server.asked("/api/projects")) == PAGE_LIMIT + 1


def test_a_person_is_no_other_by_a_cookie() -> None:
    cookie = {"Set-Cookie": "_Panoptes_session=of-alice; path=/"}

    def script(seen: Seen) -> Reply:
        reply = me("2") if seen.path == "/api/me" else page(["10"])
        return Reply(reply.status, reply.body, cookie)

    with scripted_server(script) as server, closing(client(server)) as people:
        people.project_ids("token-of-alice", ALICE)
        people.project_ids("token-of-another", ALICE)
    assert not any("Cookie" in request.headers for request in server.seen)
    assert [request.token for request in server.seen] == [
        *["token-of-alice"] * 3,
        *["token-of-another"] * 3,
    ]


def test_threads_share_people(standin: StandinServer, people: People) -> None:
    expected = {ALICE: ALICES, BOB: [], DAVE: [30]}
    tokens = {user_id: standin.token(user_id) for user_id in expected}

    def own(user_id: int) -> bool:
        return people.project_ids(tokens[user_id], user_id) == expected[user_id]

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(own, [*expected] * 6))
