"""Lists for pages: with the stand-in, and with servers that answer oddly or slowly."""

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from typing import Any

import pytest

from caesar_web.panoptes.errors import PanoptesError
from caesar_web.panoptes.listings import IDS_AT_ONCE, ROW_LIMIT, Listing, Listings, Viewer
from tests.panoptes.scripted import Reply, Script, Scripted, Seen, scripted_server
from tests.standin.server import StandinServer

ROOT, ALICE, DAVE = 1, 2, 5


@pytest.fixture
def listings(standin: StandinServer) -> Iterator[Listings]:
    with closing(Listings(standin.url)) as listings:
        yield listings


def viewer(standin: StandinServer, user_id: int, *, as_admin: bool = False) -> Viewer:
    return Viewer(standin.token(user_id), as_admin=as_admin)


def names(listing: Listing) -> dict[int, str]:
    assert listing.is_whole
    return {row.id: row.name for row in listing.rows}


def test_what_somebody_sees(standin: StandinServer, listings: Listings) -> None:
    alice = viewer(standin, ALICE)
    assert names(listings.projects(alice, [10, 20])) == {10: "Galaxy Demo", 20: "Camera Survey"}
    assert names(listings.workflows(alice, [10])) == {
        100: "Is it a galaxy?",
        101: "What shape is it?",
        102: "What is in front?",
        103: "How far does it reach?",
    }
    found = listings.subject_sets(alice, [10])
    assert names(found) == {7: "Set A", 11: "Hard cases", 13: "Deep fields"}
    assert [(row.subjects_count, [*row.project_ids]) for row in found.rows] == [
        (200, [10]),
        (40, [10]),
        (200, [10]),
    ]


def test_what_is_private_shows_to_its_people_and_to_administrators(
    standin: StandinServer, listings: Listings
) -> None:
    for user_id, as_admin, seen in (
        (DAVE, False, True),
        (ALICE, False, False),
        (ALICE, True, False),
        (ROOT, False, False),
        (ROOT, True, True),
    ):
        person = viewer(standin, user_id, as_admin=as_admin)
        assert (names(listings.projects(person, [30])) != {}) is seen
        assert (names(listings.workflows(person, [30])) != {}) is seen
        assert (names(listings.subject_sets(person, [30])) != {}) is seen


def test_admin_is_asked_for_only_as_administrator(
    standin: StandinServer, listings: Listings
) -> None:
    listings.workflows(viewer(standin, ROOT), [10])
    listings.workflows(viewer(standin, ROOT, as_admin=True), [10])
    without, with_it = (entry["query"] for entry in standin.log("^/api/workflows$"))
    assert "admin" not in without
    assert "admin=true" in with_it


def test_collections_are_somebodys_or_of_projects(
    standin: StandinServer, listings: Listings
) -> None:
    alice = viewer(standin, ALICE)
    own = listings.collections(alice, [], owner_id=ALICE, login="alice")
    assert names(own) == {5: "Keepers", 6: "Loose ends", 12: "Best portraits"}
    found = listings.collections(alice, [30], owner_id=ALICE, login="alice")
    assert names(found) == names(own) | {9: "Odd finds"}
    assert {row.id: row.owner_id for row in found.rows}[9] == DAVE


def rows(kind: str, given: list[Any], next_href: str | None = None) -> Reply:
    return Reply(body={kind: given, "meta": {kind: {"next_href": next_href}}})


def workflow(id: Any, name: Any = "Lions", project: Any = "10", **over: Any) -> dict[str, Any]:
    return {"id": id, "display_name": name, "links": {"project": project}, **over}


def listed(
    script: Script, ask: Callable[[Listings], Listing], **over: Any
) -> tuple[Listing, Scripted]:
    with scripted_server(script) as server, closing(Listings(server.url, **over)) as listings:
        return ask(listings), server


def of_ten(listings: Listings) -> Listing:
    return listings.workflows(Viewer("the-token"), [10])


def test_odd_rows_are_left_out() -> None:
    ids: list[Any] = [None, "", "0", "-1", "ten", True, {}, "9" * 30, 1.5]
    texts: list[Any] = [None, "", " \n", 7, [], "\ud800", "a\0b"]
    odd = [
        *(workflow(id) for id in ids),
        *(workflow("2", text) for text in texts),
        *(workflow("3", project=id) for id in (None, "11", "x", [10])),
        {},
        {"id": "4", "display_name": "No links"},
        {"id": "5", "display_name": "Odd links", "links": [10]},
    ]
    good = [workflow("6", " Which \n animal? ", active=False), workflow(7, project=10)]
    listing, _ = listed(lambda seen: rows("workflows", odd + good), of_ten)
    assert names(listing) == {6: "Which animal?", 7: "Lions"}
    assert [row.is_active for row in listing.rows] == [False, True]


def test_odd_owners_and_counts() -> None:
    def collection(id: str, **links: Any) -> dict[str, Any]:
        return {"id": id, "display_name": "Keepers", "links": links}

    given = [
        collection("1", owner={"id": "2", "type": "users"}),
        collection("2", owner={"id": "2", "type": "user_groups"}),
        collection("3", owner="2"),
        collection("4", owner={"id": None}, projects="10"),
        collection("5", owner={"id": "9"}, projects=[None, "10", {}]),
    ]
    listing, _ = listed(
        lambda seen: rows("collections", given),
        lambda listings: listings.collections(Viewer("t"), [10], owner_id=2, login="alice"),
    )
    assert names(listing).keys() == {1, 5}
    sets = [
        workflow(str(id), set_member_subjects_count=odd)
        for id, odd in enumerate([3, None, "3", -1, True, 1.5], start=1)
    ]
    listing, _ = listed(
        lambda seen: rows("subject_sets", sets),
        lambda listings: listings.subject_sets(Viewer("t"), [10]),
    )
    assert [row.subjects_count for row in listing.rows] == [3, None, None, None, None, None]


@pytest.mark.parametrize(
    "reply",
    [
        *(Reply(status) for status in (302, 401, 403, 404, 429, 500, 503)),
        *(Reply(200, body) for body in (b"", b"<html>", b"[]", b"{}")),
        Reply(200, {"workflows": []}),
        rows("workflows", [7]),
        rows("workflows", [], "https://elsewhere.example/api/workflows"),
    ],
    ids=lambda reply: f"{reply.status} {str(reply.body)[:40]}",
)
def test_what_is_no_list_is_an_error(reply: Reply) -> None:
    with pytest.raises(PanoptesError):
        listed(lambda seen: reply, of_ten)


def test_ids_are_asked_for_a_hundred_at_a_time() -> None:
    def script(seen: Seen) -> Reply:
        given = seen.query["project_id"][0].split(",")
        return rows("workflows", [workflow(id, project=id) for id in given])

    wanted = range(1, 2 * IDS_AT_ONCE + 2)
    listing, server = listed(
        script, lambda listings: listings.workflows(Viewer("the-token"), wanted)
    )
    assert names(listing).keys() == {*wanted}
    assert len(server.seen) == 3
    assert {request.token for request in server.seen} == {"the-token"}
    listing, server = listed(script, lambda listings: listings.workflows(Viewer("t"), []))
    assert (listing, server.seen) == (Listing((), is_whole=True), [])


def endless(seen: Seen) -> Reply:
    page = int(seen.query.get("page", ["1"])[0])
    given = [workflow(str(100 * page + at)) for at in range(100)]
    return rows("workflows", given, f"/workflows?page={page + 1}")


def test_a_list_has_an_end() -> None:
    listing, server = listed(endless, of_ten, passing=lambda: 0.0)
    assert (len(listing.rows), listing.is_whole) == (ROW_LIMIT, False)
    assert len(server.seen) == 11


def test_nobody_waits_long_for_a_list() -> None:
    seconds = count(0, 2)
    listing, server = listed(endless, of_ten, passing=lambda: float(next(seconds)))
    assert (len(listing.rows), listing.is_whole) == (200, False)
    assert len(server.seen) == 2


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "é"])
def test_what_cannot_be_a_token_is_not_sent(token: str) -> None:
    with scripted_server(endless) as server, closing(Listings(server.url)) as listings:
        with pytest.raises(PanoptesError):
            listings.workflows(Viewer(token), [10])
        assert server.seen == []


def test_tokens_are_not_printed() -> None:
    assert "the-token" not in repr(Viewer("the-token"))
