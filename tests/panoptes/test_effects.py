"""The client against the stand-in Panoptes: what each effect does there, and what is refused."""

from typing import Any
from urllib.parse import parse_qs

import pytest

from caesar_web.panoptes.client import Panoptes
from caesar_web.panoptes.errors import PanoptesError
from tests.standin.server import Clock, StandinServer

ROOT, ALICE, BOB, CAROL, DAVE = 1, 2, 3, 4, 5
NOWHERE = 999_999


def row(standin: StandinServer, path: str) -> Any:
    """The first row of an answer that the platform's administrator gets, or None."""
    answer = standin.api("GET", f"{path}&admin=1", token=standin.token(ROOT)).json()
    rows = answer[path[1:].split("?")[0]]
    return rows[0] if rows else None


def status(standin: StandinServer, subject_id: int) -> Any:
    return row(standin, f"/subject_workflow_statuses?workflow_id=100&subject_id={subject_id}")


def settings(standin: StandinServer, user_id: int) -> Any:
    return row(standin, f"/project_preferences?project_id=10&user_id={user_id}")["settings"]


def members(panoptes: Panoptes, subject_set_id: int) -> int:
    count: int = panoptes.subject_set(subject_set_id)["set_member_subjects_count"]
    return count


def collected(panoptes: Panoptes, collection_id: int) -> list[str]:
    subject_ids: list[str] = panoptes.collection(collection_id)["links"]["subjects"]
    return subject_ids


def sent(standin: StandinServer) -> list[tuple[str, str, int]]:
    return [(entry["method"], entry["path"], entry["status"]) for entry in standin.log()]


def test_reads(panoptes: Panoptes) -> None:
    assert panoptes.workflow(100)["configuration"] == {"level": "1"}
    assert panoptes.workflow(300)["links"]["project"] == "30"  # private: an admin's eyes only
    assert panoptes.project(10)["display_name"] == "Galaxy Demo"
    assert panoptes.subject_set(7)["links"]["project"] == "10"
    assert panoptes.collection(9)["links"]["projects"] == ["30", "10"]


@pytest.mark.parametrize("kind", ["workflow", "project", "subject_set", "collection"])
def test_what_is_not_there(panoptes: Panoptes, kind: str) -> None:
    with pytest.raises(PanoptesError) as caught:
        getattr(panoptes, kind)(NOWHERE)
    assert caught.value.message == f"Could not find {kind} with id='{NOWHERE}'"
    assert (caught.value.status, caught.value.permanent) == (404, True)


def test_retirement(panoptes: Panoptes, standin: StandinServer) -> None:
    panoptes.retire(100, [70], reason="consensus")
    panoptes.retire(100, [70, 1001], reason="blank")
    assert status(standin, 70)["retirement_reason"] == "consensus"
    assert status(standin, 1001)["retirement_reason"] == "nothing_here"
    panoptes.unretire(100, [70])
    assert status(standin, 70)["retired_at"] is None
    assert status(standin, 1001)["retired_at"] is not None


def test_an_unknown_reason(panoptes: Panoptes) -> None:
    with pytest.raises(PanoptesError) as caught:
        panoptes.retire(100, [70], reason="boredom")
    assert caught.value.message == "Retirement reason is not included in the list"
    assert (caught.value.status, caught.value.permanent) == (422, True)


@pytest.mark.parametrize("legacy", [False, True])
def test_adding_to_a_set(panoptes: Panoptes, standin: StandinServer, legacy: bool) -> None:
    standin.switch(legacy_duplicates=legacy)
    before = members(panoptes, 11)
    panoptes.add_to_subject_set(11, [70, 1001])
    panoptes.add_to_subject_set(11, [70])
    assert members(panoptes, 11) == before + 2


def test_a_set_that_knows_some_of_a_list_wants_it_split(
    panoptes: Panoptes, standin: StandinServer
) -> None:
    standin.switch(legacy_duplicates=True)
    before = members(panoptes, 11)
    panoptes.add_to_subject_set(11, [70])
    with pytest.raises(PanoptesError) as caught:
        panoptes.add_to_subject_set(11, [70, 1001])
    assert "PG::UniqueViolation" in caught.value.message
    assert caught.value.permanent
    for subject_id in (70, 1001):
        panoptes.add_to_subject_set(11, [subject_id])
    assert members(panoptes, 11) == before + 2


def test_a_set_refuses_a_list_with_an_unknown_subject(panoptes: Panoptes) -> None:
    before = members(panoptes, 11)
    with pytest.raises(PanoptesError) as caught:
        panoptes.add_to_subject_set(11, [70, NOWHERE])
    expected = "Error: check the subject set and all the subjects exist."
    assert (caught.value.message, caught.value.permanent) == (expected, True)
    assert members(panoptes, 11) == before


def test_adding_to_a_collection(panoptes: Panoptes) -> None:
    panoptes.add_to_collection(6, [70, 1001])
    panoptes.add_to_collection(6, [70])
    assert collected(panoptes, 6) == ["70", "1001"]


def test_a_collection_that_knows_some_of_a_list_wants_it_split(panoptes: Panoptes) -> None:
    assert collected(panoptes, 5) == ["70"]
    with pytest.raises(PanoptesError) as caught:
        panoptes.add_to_collection(5, [70, 1001])
    assert caught.value.message == "Validation failed: Subject is already in the collection"
    assert (caught.value.status, caught.value.permanent) == (400, True)
    for subject_id in (70, 1001):
        panoptes.add_to_collection(5, [subject_id])
    assert collected(panoptes, 5) == ["70", "1001"]


def test_promotion_up_keeps_the_other_settings(panoptes: Panoptes, standin: StandinServer) -> None:
    before = settings(standin, BOB)
    assert before == {"workflow_id": "100", "designator": {"subject_set_chances": {}}}
    assert panoptes.promote(BOB, project_id=10, workflow_id=101)
    assert settings(standin, BOB) == before | {"workflow_id": "101"}


def test_no_promotion_down(panoptes: Panoptes, standin: StandinServer) -> None:
    assert not panoptes.promote(ALICE, project_id=10, workflow_id=100)
    assert settings(standin, ALICE) == {"workflow_id": "101"}
    assert standin.log(method="POST", path="^/api") == []


def test_no_promotion_to_the_same_level(panoptes: Panoptes, standin: StandinServer) -> None:
    assert panoptes.promote(BOB, project_id=10, workflow_id=101)
    standin.clear_log()
    assert not panoptes.promote(BOB, project_id=10, workflow_id=101)
    assert standin.log(method="POST", path="^/api") == []


def test_promotion_without_a_current_workflow(panoptes: Panoptes, standin: StandinServer) -> None:
    assert settings(standin, CAROL) == {}
    assert panoptes.promote(CAROL, project_id=10, workflow_id=100)
    assert settings(standin, CAROL) == {"workflow_id": "100"}
    assert standin.log(path="^/api/workflows/$") == []


def test_promotion_without_preferences(panoptes: Panoptes, standin: StandinServer) -> None:
    with pytest.raises(PanoptesError) as caught:
        panoptes.promote(DAVE, project_id=10, workflow_id=101)
    expected = f"User {DAVE} has no preferences in project 10 to promote them in"
    assert (caught.value.message, caught.value.permanent) == (expected, True)
    assert standin.log(method="POST", path="^/api") == []


def chances(panoptes: Panoptes, user_id: int, *, workflow_id: int, chance: float) -> bool:
    return panoptes.set_subject_set_chance(
        user_id, project_id=10, workflow_id=workflow_id, subject_set_id=11, chance=chance
    )


def test_a_chance_of_a_subject_set_keeps_all_else(
    panoptes: Panoptes, standin: StandinServer
) -> None:
    own = {"subject_set_chances": {"100": {"7": 0.1, "11": 0.2}}, "other": [1]}
    body = {"user_id": BOB, "project_id": 10, "settings": {"designator": own}}
    standin.api(
        "POST",
        "/project_preferences/update_settings?admin=1",
        json={"project_preferences": body},
        token=standin.token(ROOT),
    )
    assert chances(panoptes, BOB, workflow_id=100, chance=0.5)
    assert chances(panoptes, BOB, workflow_id=101, chance=0)
    found = {"100": {"7": 0.1, "11": 0.5}, "101": {"11": 0}}
    designator = {"subject_set_chances": found, "other": [1]}
    assert settings(standin, BOB) == {"workflow_id": "100", "designator": designator}


def test_a_chance_that_is_so_already_is_not_written_again(
    panoptes: Panoptes, standin: StandinServer
) -> None:
    assert settings(standin, CAROL) == {}
    assert chances(panoptes, CAROL, workflow_id=100, chance=1)
    standin.clear_log()
    assert not chances(panoptes, CAROL, workflow_id=100, chance=1)
    assert standin.log(method="POST", path="^/api") == []
    assert settings(standin, CAROL) == {"designator": {"subject_set_chances": {"100": {"11": 1}}}}


def test_a_chance_without_preferences(panoptes: Panoptes, standin: StandinServer) -> None:
    with pytest.raises(PanoptesError) as caught:
        chances(panoptes, DAVE, workflow_id=100, chance=1)
    expected = f"User {DAVE} has no preferences in project 10 to set chances in"
    assert (caught.value.message, caught.value.permanent) == (expected, True)


def test_every_call_says_admin_and_what_it_accepts(
    panoptes: Panoptes, standin: StandinServer
) -> None:
    panoptes.project(10)
    panoptes.retire(100, [70], reason="other")
    panoptes.unretire(100, [70])
    panoptes.add_to_subject_set(11, [70])
    panoptes.add_to_collection(6, [70])
    panoptes.promote(BOB, project_id=10, workflow_id=101)
    list(panoptes.pages("/subjects", {"workflow_id": 101}))
    calls = standin.log(path="^/api")
    assert len(calls) == 5 + 4 + 3
    for call in calls:
        assert parse_qs(call["query"])["admin"] == ["true"], call
        assert call["accept"] == "application/vnd.api+json; version=1"
        assert call["user"] == ROOT
        if call["method"] == "POST":
            assert call["content_type"] == "application/json"
        if "retire" in call["path"]:
            assert call["body"]["admin"] is True


def test_an_account_without_rights_is_refused(panoptes: Panoptes, standin: StandinServer) -> None:
    standin.switch(service_account_admin=False)
    with pytest.raises(PanoptesError) as caught:
        panoptes.retire(100, [70], reason="other")
    assert caught.value.permanent
    assert status(standin, 70) is None or status(standin, 70)["retired_at"] is None


def test_pages_of_a_counted_list(panoptes: Panoptes) -> None:
    pages = list(panoptes.pages("/subjects", {"workflow_id": 101}))
    assert [len(page["subjects"]) for page in pages] == [20, 20]
    ids = [int(subject["id"]) for page in pages for subject in page["subjects"]]
    assert ids == list(range(1201, 1241))


def test_pages_of_a_list_that_is_not_counted(panoptes: Panoptes, standin: StandinServer) -> None:
    standin.add_classifications([classification(number) for number in range(1, 6)])
    parameters = {"workflow_id": 100, "subject_id": 70, "page_size": 2}
    pages = list(panoptes.pages("/classifications/project", parameters))
    assert [len(page["classifications"]) for page in pages] == [2, 2, 1, 0]
    ids = {int(found["id"]) for page in pages for found in page["classifications"]}
    assert ids == set(range(1, 6))
    assert all(
        parse_qs(call["query"])["subject_id"] == ["70"]
        for call in standin.log(path="^/api/classifications")
    )


def classification(number: int) -> dict[str, Any]:
    moment = "2026-01-02T00:00:00.000Z"
    links = {"project": "10", "user": None, "workflow": "100", "subjects": ["70"]}
    return {
        "id": str(number),
        "annotations": [{"task": "T0", "value": 0}],
        "metadata": {"workflow_version": "12.10"},
        "created_at": moment,
        "updated_at": moment,
        "links": links,
    }


def test_the_token_is_renewed_before_it_expires(
    panoptes: Panoptes, standin: StandinServer, clock: Clock
) -> None:
    standin.switch(token_seconds=600)
    panoptes.retire(100, [70], reason="other")
    clock.advance(539)
    panoptes.retire(100, [70], reason="other")
    assert len(standin.log(path="^/oauth/token$")) == 1
    clock.advance(2)
    panoptes.retire(100, [70], reason="other")
    assert len(standin.log(path="^/oauth/token$")) == 2
    assert {entry["status"] for entry in standin.log(path="^/api")} == {204}


def test_a_revoked_token_is_renewed_once_and_the_call_repeated(
    panoptes: Panoptes, standin: StandinServer
) -> None:
    panoptes.retire(100, [70], reason="other")
    assert standin.revoke(user_id=ROOT) >= 1
    standin.clear_log()
    panoptes.retire(100, [1001], reason="other")
    retire = "/api/workflows/100/retired_subjects"
    assert sent(standin) == [
        ("POST", retire, 401),
        ("POST", "/oauth/token", 200),
        ("POST", retire, 204),
    ]
    assert status(standin, 1001)["retired_at"] is not None


def test_a_wrong_secret_sends_no_effect(standin: StandinServer) -> None:
    panoptes = Panoptes(standin.url, standin.client_id, "not the secret")
    with pytest.raises(PanoptesError) as caught:
        panoptes.retire(100, [70], reason="other")
    assert caught.value.message.startswith("Failed to obtain access token: ")
    assert "not the secret" not in str(caught.value)
    assert not caught.value.permanent  # no action is to blame: all wait for the right secret
    assert standin.log(path="^/api") == []


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [(403, True), (412, True), (429, False), (500, False), (503, False)],
)
def test_a_failing_platform(
    panoptes: Panoptes, standin: StandinServer, answer: int, permanent: bool
) -> None:
    standin.fail("/retired_subjects$", status=answer, message="not now")
    with pytest.raises(PanoptesError) as caught:
        panoptes.retire(100, [70], reason="other")
    found = (caught.value.message, caught.value.status, caught.value.permanent)
    assert found == ("not now", answer, permanent)
    panoptes.retire(100, [70], reason="other")  # the client is none the worse for it


def test_a_connection_that_breaks(panoptes: Panoptes, standin: StandinServer) -> None:
    standin.fail("/retired_subjects$", drop=True)
    with pytest.raises(PanoptesError) as caught:
        panoptes.retire(100, [70], reason="other")
    assert (caught.value.status, caught.value.permanent) == (None, False)
    panoptes.retire(100, [70], reason="other")
