"""What the client sends, and what it makes of the answers: lists, pages, duplicates, promotion."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from caesar_web.panoptes.client import Panoptes
from caesar_web.panoptes.connection import Params
from caesar_web.panoptes.errors import PanoptesError
from tests.panoptes.scripted import Reply, Scripted, Seen, TokenDesk, scripted_server

UNIQUE = "PG::UniqueViolation: ERROR: duplicate key value violates unique constraint"
COLLECTED = "Validation failed: Subject is already in the collection"


def client(server: Scripted) -> Panoptes:
    return Panoptes(server.url, "caesar", "the-secret", timeout=(5, 20))


def refused(status: int, message: str) -> Reply:
    return Reply(status, {"errors": [{"message": message}]})


def sent(request: Seen) -> tuple[str, str, Any]:
    return request.method, request.path, json.loads(request.body) if request.body else None


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (
            lambda p: p.retire(100, [70, 71], reason="consensus"),
            (
                "POST",
                "/api/workflows/100/retired_subjects",
                {"admin": True, "subject_ids": [70, 71], "retirement_reason": "consensus"},
            ),
        ),
        (
            lambda p: p.unretire(100, [70]),
            (
                "POST",
                "/api/workflows/100/unretire_subjects",
                {"admin": True, "subject_ids": [70]},
            ),
        ),
        (
            lambda p: p.add_to_subject_set(7, (70, 71)),
            ("POST", "/api/subject_sets/7/links/subjects", {"subjects": [70, 71]}),
        ),
        (
            lambda p: p.add_to_collection(5, [70]),
            ("POST", "/api/collections/5/links/subjects", {"subjects": [70]}),
        ),
    ],
)
def test_an_effect_is_one_request(
    act: Callable[[Panoptes], object], expected: tuple[str, str, Any]
) -> None:
    with scripted_server(TokenDesk(lambda seen: Reply(200, {}))) as server:
        act(client(server))
    token, request = server.seen
    assert token.path == "/oauth/token"
    assert sent(request) == expected
    assert request.query == {"admin": ["true"]}
    assert request.headers["Accept"] == "application/vnd.api+json; version=1"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == "Bearer token-1"


def test_nothing_to_do_sends_nothing() -> None:
    with scripted_server(TokenDesk()) as server:
        panoptes = client(server)
        panoptes.retire(100, [], reason="other")
        panoptes.unretire(100, [])
        panoptes.add_to_subject_set(7, [])
        panoptes.add_to_collection(5, [])
    assert server.seen == []


@pytest.mark.parametrize("resource", ["workflows", "projects", "subject_sets", "collections"])
def test_a_read_gives_the_row(resource: str) -> None:
    row = {"id": "12", "links": {"project": "10"}}
    with scripted_server(TokenDesk(lambda seen: Reply(body={resource: [row]}))) as server:
        assert getattr(client(server), resource.removesuffix("s"))(12) == row
    assert sent(server.seen[-1]) == ("GET", f"/api/{resource}/12", None)
    assert server.seen[-1].query == {"admin": ["true"]}
    assert server.seen[-1].headers["Accept"] == "application/vnd.api+json; version=1"


def add_to_set(panoptes: Panoptes, subject_ids: list[int]) -> None:
    panoptes.add_to_subject_set(7, subject_ids)


def collect(panoptes: Panoptes, subject_ids: list[int]) -> None:
    panoptes.add_to_collection(5, subject_ids)


Add = Callable[[Panoptes, list[int]], None]


@pytest.mark.parametrize(
    ("add", "reply"),
    [
        (add_to_set, refused(422, UNIQUE)),
        (add_to_set, refused(500, UNIQUE)),
        (collect, refused(400, COLLECTED)),
    ],
)
def test_a_duplicate_is_a_success_alone_and_a_reason_to_split_a_list(
    add: Add, reply: Reply
) -> None:
    with scripted_server(TokenDesk(lambda seen: reply)) as server:
        add(client(server), [70])
        with pytest.raises(PanoptesError) as caught:
            add(client(server), [70, 71])
    assert caught.value.permanent
    assert caught.value.status == reply.status


@pytest.mark.parametrize(
    ("add", "reply", "permanent"),
    [
        (
            add_to_set,
            refused(422, "Error: check the subject set and all the subjects exist."),
            True,
        ),
        (add_to_set, refused(400, COLLECTED), True),
        (add_to_set, refused(500, "oops"), False),
        (collect, refused(422, UNIQUE), True),
        (collect, refused(500, COLLECTED), False),
        (collect, refused(404, "Could not find collection with id='5'"), True),
    ],
)
def test_any_other_refusal_is_an_error(add: Add, reply: Reply, permanent: bool) -> None:
    with (
        scripted_server(TokenDesk(lambda seen: reply)) as server,
        pytest.raises(PanoptesError) as caught,
    ):
        add(client(server), [70])
    assert caught.value.message == reply.body["errors"][0]["message"]
    assert (caught.value.permanent, caught.value.status) == (permanent, reply.status)


def page(row_ids: list[int], next_href: object) -> Reply:
    rows = [{"id": str(row_id)} for row_id in row_ids]
    meta = {"classifications": {"count": 0, "page_count": 0, "next_href": next_href}}
    return Reply(body={"classifications": rows, "meta": meta})


def walk(*replies: Reply) -> tuple[list[str], Scripted]:
    """The ids that come out of a walk through these pages, and what was asked for them."""
    left = iter(replies)
    with scripted_server(TokenDesk(lambda seen: next(left))) as server:
        params: Params = {"workflow_id": 100, "page_size": 2, "roles[]": ["owner", "collaborator"]}
        documents = client(server).pages("/classifications/project", params)
        ids = [row["id"] for document in documents for row in document["classifications"]]
    return ids, server


def test_pages_repeat_what_was_asked_until_nothing_follows() -> None:
    ids, server = walk(
        page([1, 2], "/classifications/project?page=2&workflow_id=100"),
        page([3], "/classifications/project?page=3&workflow_id=100&page_size=1"),
        page([], None),
    )
    assert ids == ["1", "2", "3"]
    asked = server.asked("/api/classifications/project")
    always = {"admin": ["true"], "workflow_id": ["100"], "roles[]": ["owner", "collaborator"]}
    assert [dict(request.query) for request in asked] == [
        always | {"page_size": ["2"]},
        always | {"page_size": ["2"], "page": ["2"]},
        always | {"page_size": ["1"], "page": ["3"]},
    ]


def test_a_next_page_on_another_path_is_followed() -> None:
    _, server = walk(page([1], "/classifications/gold?page=2"), page([], None))
    assert server.seen[-1].path == "/api/classifications/gold"


@pytest.mark.parametrize(
    ("replies", "message"),
    [
        ([page([1], "https://elsewhere.example/api/subjects")], "outside of its API"),
        ([page([1], "//elsewhere.example/subjects")], "outside of its API"),
        ([page([1], 7)], "outside of its API"),
        ([Reply(body={"classifications": []})], "where the list goes on"),
        ([Reply(body={"classifications": [], "meta": {"x": {}}})], "where the list goes on"),
        ([page([1], "/classifications/project?page=2")] * 2, "as its own next page"),
    ],
    ids=["elsewhere", "no scheme", "no text", "no meta", "no href", "round in circles"],
)
def test_a_list_that_does_not_go_on_properly_is_an_error(
    replies: list[Reply], message: str
) -> None:
    with pytest.raises(PanoptesError, match=message) as caught:
        walk(*replies)
    assert not caught.value.permanent
