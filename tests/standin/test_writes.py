"""What the API changes, who may, and how it refuses."""

from typing import Any

import pytest
import requests

from tests.standin.server import JSON, StandinServer

ROOT, ALICE, BOB, CAROL, DAVE = 1, 2, 3, 4, 5
RETIRE = "/workflows/100/retired_subjects?admin=true"


def test_retiring(standin: StandinServer) -> None:
    body = {"admin": True, "subject_id": 70, "retirement_reason": "consensus"}
    answer = _post(standin, RETIRE, body)
    assert (answer.status_code, answer.content) == (204, b"")
    status = _statuses(standin)[0]
    assert (status["retirement_reason"], status["links"]["subject"]) == ("consensus", "70")
    assert status["retired_at"]
    row = standin.api("GET", "/workflows/100").json()["workflows"][0]
    assert (row["retired_set_member_subjects_count"], row["completeness"]) == (1, 0.005)


def test_retiring_several(standin: StandinServer) -> None:
    body = {"subject_ids": [70, "1001"], "retirement_reason": "other"}
    assert _post(standin, RETIRE, body).status_code == 204
    assert [row["links"]["subject"] for row in _statuses(standin)] == ["70", "1001"]


def test_the_first_reason_wins(standin: StandinServer) -> None:
    for reason in ("flagged", "human"):
        body = {"subject_id": 70, "retirement_reason": reason}
        assert _post(standin, RETIRE, body).status_code == 204
    assert [row["retirement_reason"] for row in _statuses(standin)] == ["flagged"]


@pytest.mark.parametrize("subject", [999999, 2001, 3001])
def test_a_subject_that_the_workflow_does_not_know_is_let_be(
    standin: StandinServer, subject: int
) -> None:
    body = {"subject_id": subject, "retirement_reason": "other"}
    assert _post(standin, RETIRE, body).status_code == 204
    assert _statuses(standin) == []


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        *((name, name) for name in ("classification_count", "flagged", "nothing_here")),
        *((name, name) for name in ("consensus", "other", "human", None)),
        ("blank", "nothing_here"),
    ],
)
def test_reasons(standin: StandinServer, given: str | None, stored: str | None) -> None:
    body = {"subject_id": 70, "retirement_reason": given}
    assert _post(standin, RETIRE, body).status_code == 204
    assert [row["retirement_reason"] for row in _statuses(standin)] == [stored]


@pytest.mark.parametrize("reason", ["because", "", 3, ["other"]])
def test_other_reasons_are_refused(standin: StandinServer, reason: Any) -> None:
    answer = _post(standin, RETIRE, {"subject_id": 70, "retirement_reason": reason})
    assert _problem(answer) == (422, "Retirement reason is not included in the list")
    assert _statuses(standin) == []


@pytest.mark.parametrize(
    ("user", "status"), [(ROOT, 404), (ALICE, 204), (BOB, 404), (CAROL, 404), (DAVE, 404)]
)
def test_who_may_retire_without_admin(standin: StandinServer, user: int, status: int) -> None:
    body = {"subject_id": 70, "retirement_reason": "other"}
    token = standin.token(user)
    path = "/workflows/100/{}_subjects"
    for verb in ("retired", "unretire"):
        answer = standin.api("POST", path.format(verb), token=token, json=body)
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/workflows/100/retired_subjects", "project"),
        ("POST", "/workflows/100/unretire_subjects", "project"),
        ("POST", "/subject_sets/7/links/subjects", "project"),
        ("POST", "/collections/5/links/subjects", "collection"),
        ("PUT", "/project_preferences/900", "project"),
        ("POST", "/project_preferences/update_settings", "project"),
    ],
)
def test_writes_need_a_good_token_and_the_scope(
    standin: StandinServer, method: str, path: str, scope: str
) -> None:
    nobody = standin.api(method, path, json={})
    assert _problem(nobody) == (401, "You must be logged in to access this resource.")
    expired = standin.api(method, path, token=standin.token(ALICE, -60), json={})
    assert (expired.status_code, expired.content) == (401, b"")
    scopes = {"public", "user", "project", "collection", "classification"} - {scope}
    token = standin.token(ALICE, scope=" ".join(scopes))
    unscoped = standin.api(method, path, token=token, json={})
    assert (unscoped.status_code, unscoped.content) == (403, b"")


def test_unretiring(standin: StandinServer) -> None:
    _post(standin, RETIRE, {"subject_ids": [70, 1001], "retirement_reason": "other"})
    path = "/workflows/100/unretire_subjects"
    assert _post(standin, path, {"admin": True, "subject_ids": [70, 5]}).status_code == 204
    retired = {row["links"]["subject"]: bool(row["retired_at"]) for row in _statuses(standin)}
    assert retired == {"70": False, "1001": True}


def test_adding_to_a_set(standin: StandinServer) -> None:
    path = "/subject_sets/22/links/subjects?admin=true"
    for subjects, count in (([2001], 1), (["2001", 2002, 2002], 2)):  # duplicates are let be
        answer = _post(standin, path, {"subjects": subjects})
        assert answer.status_code == 200
        assert answer.headers["Last-Modified"].endswith("GMT")
        assert answer.json()["subject_sets"][0]["set_member_subjects_count"] == count
    row = standin.api("GET", "/subjects/2001").json()["subjects"][0]
    assert row["links"]["subject_sets"] == ["21", "22"]


def test_one_unknown_subject_spoils_the_list_for_a_set(standin: StandinServer) -> None:
    path = "/subject_sets/22/links/subjects?admin=true"
    for subjects in ([2001, 999999], [999999], ["x", 2001]):
        message = "Error: check the subject set and all the subjects exist."
        assert _problem(_post(standin, path, {"subjects": subjects})) == (422, message)
    assert _set_size(standin, 22) == 0


def test_subjects_that_the_caller_may_not_see_are_not_found(standin: StandinServer) -> None:
    path, token = "/subject_sets/7/links/subjects", standin.token(ALICE)
    answer = standin.api("POST", path, token=token, json={"subjects": [3001]})
    assert _problem(answer) == (422, "Couldn't find linked subjects for current user")


@pytest.mark.parametrize("path", ["/subject_sets/7", "/collections/5"])
def test_links_must_name_their_key(standin: StandinServer, path: str) -> None:
    answer = _post(standin, f"{path}/links/subjects?admin=true", {"subject": [70]})
    assert _problem(answer) == (422, "Link relation subjects must match body key")


def test_sets_can_refuse_duplicates_as_they_once_did(standin: StandinServer) -> None:
    standin.switch(legacy_duplicates=True)
    path = "/subject_sets/7/links/subjects?admin=true"
    answer = _post(standin, path, {"subjects": [2001, 70]})
    assert answer.status_code == 422
    assert "PG::UniqueViolation: ERROR: duplicate key value" in answer.text
    assert _set_size(standin, 7) == 200


def test_adding_to_a_collection_twice(standin: StandinServer) -> None:
    path = "/collections/5/links/subjects?admin=true"
    answer = _post(standin, path, {"subjects": [1001]})
    assert answer.status_code == 200
    assert answer.json()["collections"][0]["links"]["subjects"] == ["70", "1001"]
    for subjects in ([1001], [1002, 70]):  # one duplicate spoils the list
        message = "Validation failed: Subject is already in the collection"
        assert _problem(_post(standin, path, {"subjects": subjects})) == (400, message)
    row = standin.api("GET", "/collections/5").json()["collections"][0]
    assert row["links"]["subjects"] == ["70", "1001"]


def test_a_collection_takes_no_unknown_subject(standin: StandinServer) -> None:
    answer = _post(standin, "/collections/6/links/subjects?admin=true", {"subjects": [999999]})
    assert _problem(answer) == (422, "Couldn't find linked subjects for current user")


@pytest.mark.parametrize(
    ("user", "status"), [(ALICE, 200), (DAVE, 200), (BOB, 404), (CAROL, 404), (ROOT, 404)]
)
def test_owners_and_contributors_may_add_to_a_collection(
    standin: StandinServer, user: int, status: int
) -> None:
    path, token = "/collections/9/links/subjects", standin.token(user)
    assert standin.api("POST", path, token=token, json={"subjects": [70]}).status_code == status


def test_replacing_settings_needs_the_etag(standin: StandinServer) -> None:
    path, token = "/project_preferences/900?admin=true", standin.token(ROOT)
    etag = standin.api("GET", path, token=token).headers["ETag"]
    body = {"project_preferences": {"settings": {"workflow_id": "101"}}}
    assert _problem(standin.api("PUT", path, token=token, json=body)) == (
        428,
        "Request requires If-Match header to be present",
    )
    stale = {"If-Match": 'W/"0"'}
    assert standin.api("PUT", path, token=token, json=body, headers=stale).status_code == 412

    answer = standin.api("PUT", path, token=token, json=body, headers={"If-Match": etag})
    assert answer.json()["project_preferences"][0]["settings"] == {"workflow_id": "101"}
    assert answer.headers["ETag"] != etag
    again = standin.api("PUT", path, token=token, json=body, headers={"If-Match": etag})
    assert again.status_code == 412
    current = {"If-Match": answer.headers["ETag"]}
    assert standin.api("PUT", path, token=token, json=body, headers=current).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": {"workflow_id": "101", "designator": {}}},
        {"settings": {"workflow_id": "first"}},
        {"settings": []},
        {"colour": "red"},
    ],
)
def test_settings_keep_to_their_schema(standin: StandinServer, changes: JSON) -> None:
    path, token = "/project_preferences/900?admin=true", standin.token(ROOT)
    etag = standin.api("GET", path, token=token).headers["ETag"]
    body = {"project_preferences": changes}
    answer = standin.api("PUT", path, token=token, json=body, headers={"If-Match": etag})
    assert answer.status_code == 422
    assert standin.api("GET", path, token=token).headers["ETag"] == etag


def test_a_volunteer_may_replace_their_own_settings_only(standin: StandinServer) -> None:
    path = "/project_preferences/900"
    body: JSON = {"project_preferences": {"settings": {}}}
    for user, status in ((BOB, 200), (ALICE, 404)):
        etag = standin.api("GET", path, token=standin.token(BOB)).headers["ETag"]
        headers = {"If-Match": etag}
        token = standin.token(user)
        answer = standin.api("PUT", path, token=token, json=body, headers=headers)
        assert answer.status_code == status


def test_merging_settings(standin: StandinServer) -> None:
    chances = {"designator": {"subject_set_chances": {"7": 0.5}}}
    for settings, merged in (
        ({"workflow_id": "101"}, {"workflow_id": "101", "designator": {"subject_set_chances": {}}}),
        (chances, {"workflow_id": "101", **chances}),
        ({"designator": {}}, {"workflow_id": "101", "designator": {}}),  # replaced whole
    ):
        answer = _merge(standin, standin.token(ROOT), settings=settings)
        assert answer.status_code == 200
        assert answer.json()["project_preferences"][0]["settings"] == merged


def test_who_may_merge_settings(standin: StandinServer) -> None:
    settings = {"workflow_id": "101"}
    for user in (BOB, CAROL):
        answer = _merge(standin, standin.token(user), settings=settings)
        assert _problem(answer) == (403, "You must be the project owner or a collaborator")
    assert _merge(standin, standin.token(ALICE), settings=settings).status_code == 200


def test_settings_are_merged_into_a_row_that_is_there(standin: StandinServer) -> None:
    settings: JSON = {"workflow_id": "101"}
    assert _merge(standin, standin.token(ROOT), settings=settings, user=DAVE).status_code == 404
    settings = {"hidden": True}
    assert _merge(standin, standin.token(ROOT), settings=settings).status_code == 422


def _merge(
    standin: StandinServer, token: str, *, settings: JSON, user: int = BOB
) -> requests.Response:
    path = "/project_preferences/update_settings?admin=true"
    asked = {"user_id": user, "project_id": 10, "settings": settings}
    return standin.api("POST", path, token=token, json={"project_preferences": asked})


def _post(standin: StandinServer, path: str, body: JSON) -> requests.Response:
    return standin.api("POST", path, token=standin.token(ROOT), json=body)


def _problem(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["message"]


def _statuses(standin: StandinServer) -> list[JSON]:
    path = "/subject_workflow_statuses?workflow_id=100"
    rows: list[JSON] = standin.api("GET", path).json()["subject_workflow_statuses"]
    return rows


def _set_size(standin: StandinServer, set_id: int) -> int:
    row = standin.api("GET", f"/subject_sets/{set_id}").json()["subject_sets"][0]
    size: int = row["set_member_subjects_count"]
    return size
