"""What holds for every request to the API: headers, ids, errors, paging, admin."""

import pytest
import requests

from tests.standin.server import ACCEPT, JSON, StandinServer


def test_a_client_that_forgets_the_accept_header_is_not_found(standin: StandinServer) -> None:
    for accept in ("application/json", "*/*", "application/vnd.api+json"):
        answer = standin.api("GET", "/projects", headers={"Accept": accept})
        assert (answer.status_code, answer.json()) == (404, {"errors": [{"message": "Not Found"}]})
    assert standin.api("GET", "/projects").status_code == 200


def test_writes_of_another_content_type_are_refused(standin: StandinServer) -> None:
    headers = {"Accept": ACCEPT, "Authorization": f"Bearer {standin.token(1)}"}
    answer = requests.post(
        f"{standin.url}/api/subject_sets/7/links/subjects", {"a": 1}, headers=headers, timeout=10
    )
    assert answer.status_code == 415
    assert answer.json()["errors"][0]["message"] == (
        "Only requests with Content-Type: application/json or application/vnd.api+json are allowed"
    )
    headers["Content-Type"] = "application/vnd.api+json"
    body = '{"subjects": ["1001"], "admin": true}'
    url = f"{standin.url}/api/collections/5/links/subjects"
    assert requests.post(url, body, headers=headers, timeout=10).status_code == 200


def test_a_body_that_is_no_json_object_is_a_bad_request(standin: StandinServer) -> None:
    headers = {
        "Accept": ACCEPT,
        "Authorization": f"Bearer {standin.token(1)}",
        "Content-Type": "application/json",
    }
    for body in ("{", "[]", ""):
        url = f"{standin.url}/api/workflows/100/retired_subjects?admin"
        assert requests.post(url, body, headers=headers, timeout=10).status_code == 400


def test_answers_are_of_the_media_type(standin: StandinServer) -> None:
    for path in ("/projects", "/workflows/999", "/nowhere"):
        answer = standin.api("GET", path)
        assert answer.headers["Content-Type"] == (
            "application/vnd.api+json; version=1; charset=utf-8"
        )


@pytest.mark.parametrize("kind", ["workflow", "project", "subject_set", "collection", "subject"])
def test_what_is_not_there_is_named(standin: StandinServer, kind: str) -> None:
    answer = standin.api("GET", f"/{kind}s/999")
    message = f"Could not find {kind} with id='999'"
    assert (answer.status_code, answer.json()) == (404, {"errors": [{"message": message}]})


def test_paths_with_other_than_numbers_are_not_found(standin: StandinServer) -> None:
    for path in ("/workflows/abc", "/subjects/70x", "/project_preferences/-1"):
        assert standin.api("GET", path).status_code == 404


def test_ids_are_strings_in_answers_and_either_in_requests(standin: StandinServer) -> None:
    token = standin.token(1)
    for subject in (1001, "1002"):
        path = "/workflows/100/retired_subjects"
        body = {"admin": True, "subject_id": subject, "retirement_reason": "other"}
        assert standin.api("POST", path, token=token, json=body).status_code == 204
    found = standin.api("GET", "/subject_workflow_statuses?workflow_id=100").json()
    links = [row["links"] for row in found["subject_workflow_statuses"]]
    assert links == [
        {"subject": "1001", "workflow": "100"},
        {"subject": "1002", "workflow": "100"},
    ]


def test_the_envelope_of_one_row(standin: StandinServer) -> None:
    document = standin.api("GET", "/collections/6").json()
    assert document.keys() == {"collections", "links", "meta"}
    assert document["meta"]["collections"] == {
        "page": 1,
        "page_size": 20,
        "count": 1,
        "include": [],
        "page_count": 1,
        "previous_page": None,
        "next_page": None,
        "first_href": "/collections",
        "previous_href": None,
        "next_href": None,
        "last_href": "/collections",
    }


def test_pages(standin: StandinServer) -> None:
    paging = _paging(standin, "/subjects?workflow_id=100")
    assert (paging["count"], paging["page_count"], paging["next_page"]) == (200, 10, 2)
    assert paging["next_href"] == "/subjects?page=2&workflow_id=100"
    assert paging["last_href"] == "/subjects?page=10&workflow_id=100"
    last = _paging(standin, "/subjects?workflow_id=100&page=10")
    assert (last["next_href"], last["previous_page"]) == (None, 9)
    assert last["previous_href"] == "/subjects?page=9&workflow_id=100"


def test_the_page_size_is_clamped(standin: StandinServer) -> None:
    paging = _paging(standin, "/subjects?workflow_id=100&page_size=500")
    assert (paging["page_size"], paging["page_count"]) == (100, 2)
    assert paging["next_href"] == "/subjects?page=2&page_size=100&workflow_id=100"
    assert _paging(standin, "/subjects?page_size=0&page=x")["page_size"] == 1


def test_next_links_repeat_neither_roles_nor_admin(standin: StandinServer) -> None:
    path = "/projects?current_user_roles[]=owner&current_user_roles[]=collaborator&admin=true"
    paging = standin.api("GET", path, token=standin.token(2)).json()["meta"]["projects"]
    assert paging["next_href"] == "/projects?page=2"


@pytest.mark.parametrize("admin", ["?admin=true", "?admin=false", "?admin"])
def test_any_admin_parameter_counts_for_an_admin(standin: StandinServer, admin: str) -> None:
    assert standin.api("GET", f"/workflows/300{admin}", token=standin.token(1)).ok
    assert standin.api("GET", f"/workflows/300{admin}", token=standin.token(2)).status_code == 404


def test_admin_in_the_body_counts_and_without_it_an_admin_is_anybody(
    standin: StandinServer,
) -> None:
    token, path = standin.token(1), "/workflows/100/retired_subjects"
    body = {"subject_id": 70, "retirement_reason": "other"}
    assert standin.api("POST", path, token=token, json=body).status_code == 404
    assert standin.api("POST", path, token=token, json={**body, "admin": False}).status_code == 204
    assert standin.api("GET", "/workflows/300", token=token).status_code == 404


def test_the_service_account_can_be_no_admin(standin: StandinServer) -> None:
    token = standin.token(1)
    standin.switch(service_account_admin=False)
    assert standin.api("GET", "/workflows/300?admin=true", token=token).status_code == 404


def _paging(standin: StandinServer, path: str) -> JSON:
    paging: JSON = standin.api("GET", path).json()["meta"]["subjects"]
    return paging
