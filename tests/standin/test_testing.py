"""What tests ask of the stand-in: the log, faults, switches, reset; and the webhook sink."""

import csv
import io
import time

import orjson
import pytest
import requests

from caesar_web.standin.classifications import Classifications, MalformedClassification, Query
from tests.standin.server import ACCEPT, StandinServer
from tests.standin.test_reads import classification


def test_the_log_tells_what_came_in(standin: StandinServer) -> None:
    body = {"subject_id": 70, "retirement_reason": "other"}
    headers = {"If-Match": "tag"}
    path = "/workflows/100/retired_subjects?admin=true"
    standin.api("POST", path, token=standin.token(2), json=body, headers=headers)
    standin.api("GET", "/me")
    assert standin.log("retired_subjects$", "post") == [
        {
            "method": "POST",
            "path": "/api/workflows/100/retired_subjects",
            "query": "admin=true",
            "accept": ACCEPT,
            "content_type": "application/json",
            "if_match": "tag",
            "user": 2,
            "body": body,
            "status": 204,
        }
    ]
    assert [(entry["path"], entry["status"]) for entry in standin.log(method="GET")] == [
        ("/api/me", 401)
    ]
    standin.clear_log()
    assert standin.log() == []


def test_the_log_names_no_secrets(standin: StandinServer) -> None:
    form = {"grant_type": "client_credentials", "client_id": "caesar", "client_secret": "deep"}
    requests.post(f"{standin.url}/oauth/token", form, timeout=10)
    assert standin.log()[0]["body"] == {**form, "client_secret": "..."}


def test_the_log_is_bounded(standin: StandinServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caesar_web.standin.state.LOG_BOUND", 3)
    standin.reset()
    for number in range(5):
        standin.api("GET", f"/workflows/{number}")
    assert [entry["path"][-1] for entry in standin.log()] == ["2", "3", "4"]


def test_a_fault_strikes_as_often_as_asked(standin: StandinServer) -> None:
    standin.fail("^/api/workflows/", status=503, message="Busy", times=2)
    for _ in range(2):
        answer = standin.api("GET", "/workflows/100")
        assert (answer.status_code, answer.json()) == (503, {"errors": [{"message": "Busy"}]})
        assert standin.api("GET", "/projects/10").ok
    assert standin.api("GET", "/workflows/100").ok
    assert [entry["status"] for entry in standin.log("workflows")] == [503, 503, 200]


def test_a_fault_of_one_method_for_ever(standin: StandinServer) -> None:
    standin.fail("/oauth/token", status=401, times=-1, method="post")
    for _ in range(3):
        answer = requests.post(f"{standin.url}/oauth/token", timeout=10)
        assert (answer.status_code, answer.content) == (401, b"")
        assert requests.get(f"{standin.url}/oauth/token", timeout=10).status_code == 405
    standin.lift_faults()
    assert requests.post(f"{standin.url}/oauth/token", timeout=10).content


def test_a_fault_may_only_delay(standin: StandinServer) -> None:
    standin.fail("/projects/10", delay=0.3)
    before = time.monotonic()
    assert standin.api("GET", "/projects/10").ok
    assert time.monotonic() - before >= 0.3


def test_a_fault_may_drop_the_connection(standin: StandinServer) -> None:
    standin.fail("/me", drop=True)
    with pytest.raises(requests.ConnectionError):
        standin.api("GET", "/me")
    assert standin.api("GET", "/me").status_code == 401
    assert [entry["status"] for entry in standin.log("/me")] == [None, 401]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("fail", {"path_regex": "("}),
        ("fail", {"path_regex": "", "times": "often"}),
        ("switches", {"lights": True}),
        ("token", {"user_id": "nobody"}),
        ("classifications", {"classifications": []}),
        ("classifications", [{"id": "1"}]),
        ("hooks", {}),
        ("subjects", {"subject_set_id": 7, "first_id": "many", "count": 1}),
        ("subjects", {"subject_set_id": 999, "first_id": 1, "count": 1}),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(
    standin: StandinServer, path: str, body: object
) -> None:
    answer = requests.post(f"{standin.url}/_stub/{path}", json=body, timeout=10)
    assert answer.status_code in (404, 422)
    assert answer.json()["errors"][0]["message"]


def test_more_subjects(standin: StandinServer) -> None:
    for _ in range(2):
        standin.add_subjects(7, first_id=50_001, count=300)
    path = "/subjects?workflow_id=100&page_size=1"
    described = standin.api("GET", path, token=standin.token(2)).json()
    assert described["meta"]["subjects"]["count"] == 500
    subject = standin.api("GET", "/subjects/50300", token=standin.token(2)).json()["subjects"][0]
    assert subject["metadata"] == {"#filename": "50300.jpg"}
    assert subject["links"]["project"] == "10"


def test_reset_gives_the_seeded_world_again(standin: StandinServer) -> None:
    token = standin.token(1)
    before = standin.api("GET", "/collections/5").json()
    path = "/collections/5/links/subjects?admin"
    assert standin.api("POST", path, token=token, json={"subjects": [1001]}).ok
    standin.add_classifications([classification(1)])
    standin.switch(service_account_admin=False, legacy_duplicates=True, token_seconds=1)
    standin.fail("/", status=500, times=-1)
    standin.reset()
    assert standin.log() == []
    assert standin.api("GET", "/collections/5").json() == before
    seen = standin.api("GET", "/classifications/project?admin", token=token).json()
    assert seen["classifications"] == []
    assert requests.get(f"{standin.url}/_stub/switches", timeout=10).json() == {
        "service_account_admin": True,
        "legacy_duplicates": False,
        "token_seconds": 7200,
    }


def test_the_oldest_classifications_go_when_there_are_too_many() -> None:
    kept = Classifications(bound=3)
    kept.add([classification(number) for number in range(1, 6)])
    everything, of_subject = Query(), Query(subject_ids=frozenset({70}))
    assert [row.id for row in kept.find(everything)] == [3, 4, 5]
    assert [row.id for row in kept.find(of_subject)] == [3, 4, 5]
    assert (len(kept), kept.count_in(100)) == (3, 3)


def test_a_malformed_classification_spoils_its_batch() -> None:
    kept = Classifications()
    without_links = {"id": "2", "annotations": [], "metadata": {}, "created_at": ""}
    with pytest.raises(MalformedClassification, match="links"):
        kept.add([classification(1), without_links])
    assert len(kept) == 0


def test_a_classification_shows_only_what_the_api_shows() -> None:
    kept = Classifications()
    kept.add([{**classification(1), "user_ip": "10.0.0.1", "workflow_version": "12.10"}])
    assert [row.as_json() for row in kept.find(Query())] == [classification(1)]


def test_the_sink_keeps_what_comes_in(standin: StandinServer) -> None:
    url = f"{standin.url}/hook/tove/import?token=1"
    answer = requests.post(url, json={"id": 1}, headers={"X-Signature": "abc"}, timeout=10)
    assert answer.json() == {"score": 0.9, "label": "galaxy"}
    seen = standin.hooks()[0]
    assert (seen["name"], seen["query"], seen["json"]) == ("tove/import", "token=1", {"id": 1})
    assert seen["headers"]["X-Signature"] == "abc"
    assert orjson.loads(seen["body"]) == {"id": 1}
    assert [entry["path"] for entry in standin.log()] == ["/hook/tove/import"]


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        ("object", 200, b'{"score": 0.9, "label": "galaxy"}'),
        ("empty", 200, b""),
        ("accepted", 202, b""),
        ("none", 204, b""),
        ("string", 200, b'"no data"'),
        ("list", 200, b'[{"score": 0.9}, {"score": 0.1}]'),
        ("null", 200, b"null"),
        ("data_and_store", 200, b'{"data": {"mean": 4.0}, "store": {"n": 3, "sum": 12}}'),
        ("underscore_store", 200, b'{"mean": 4.0, "_store": {"n": 3, "sum": 12}}'),
        ("invalid", 200, b'{"mean": '),
        ("not_found", 404, b'{"error": "not found"}'),
        ("failure", 500, b'{"error": "internal server error"}'),
        ("redirect", 302, b""),
        ("echo", 200, b'{"id": 1}'),
        ("slow&seconds=0.01", 200, b'{"score": 0.9}'),
        ("basic_auth", 401, b""),
        ("unheard_of", 404, None),
    ],
)
def test_the_sink_answers_as_its_url_says(
    standin: StandinServer, answer: str, status: int, body: bytes | None
) -> None:
    url = f"{standin.url}/hook/x?answer={answer}"
    headers = {"Content-Type": "application/json"}
    found = requests.post(url, b'{"id": 1}', headers=headers, allow_redirects=False, timeout=10)
    assert found.status_code == status
    assert body is None or found.content == body


def test_the_sink_asks_for_basic_auth(standin: StandinServer) -> None:
    url = f"{standin.url}/hook/swap?answer=basic_auth&user=u&password=p"
    assert requests.post(url, auth=("u", "wrong"), timeout=10).status_code == 401
    assert requests.post(url, auth=("u", "p"), timeout=10).status_code == 201


def test_the_sink_answers_what_it_was_told_for_a_name(standin: StandinServer) -> None:
    standin.answer_hook("alice", json={"low_consensus_lines": 3}, status=201)
    found = requests.post(f"{standin.url}/hook/alice?answer=failure", timeout=10)
    assert (found.status_code, found.json()) == (201, {"low_consensus_lines": 3})
    standin.answer_hook("alice", text="")
    found = requests.post(f"{standin.url}/hook/alice", timeout=10)
    assert (found.status_code, found.content) == (200, b"")


def test_the_file_to_import(standin: StandinServer) -> None:
    answer = requests.get(f"{standin.url}/files/extracts.csv", timeout=10)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert rows[0].keys() == {"extractor_key", "subject_id", "data", "workflow_version"}
    subjects = [row["subject_id"] for row in rows]
    assert "" in subjects
    assert subjects.count("70") == 2
    assert orjson.loads(rows[2]["data"]) == {"note": 'a comma, and a "quote" in it'}
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(rows[4]["data"])
