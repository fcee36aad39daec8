"""What the API shows, and to whom."""

import pytest

from tests.standin.server import JSON, StandinServer

ROOT, ALICE, BOB, CAROL, DAVE = 1, 2, 3, 4, 5
ROLES = "current_user_roles[]=owner&current_user_roles[]=collaborator"


def classification(number: int, **links: object) -> JSON:
    """A row as the API shows it: bob's, of subject 70 in workflow 100."""
    return {
        "id": str(number),
        "annotations": [{"task": "T0", "value": 0}],
        "created_at": "2026-01-02T00:00:00.000Z",
        "updated_at": "2026-01-02T00:00:00.000Z",
        "metadata": {"workflow_version": "12.10", "user_language": "en"},
        "href": f"/classifications/{number}",
        "links": {
            "project": "10",
            "user": "3",
            "user_group": None,
            "workflow": "100",
            "subjects": ["70"],
            **links,
        },
    }


def test_me(standin: StandinServer) -> None:
    assert standin.api("GET", "/me").status_code == 401
    answer = standin.api("GET", "/me", token=standin.token(ALICE, scope="user public"))
    assert answer.json()["users"] == [
        {
            "id": "2",
            "login": "alice",
            "display_name": "Alice",
            "credited_name": "Alice",
            "email": "alice@example.org",
            "admin": False,
            "zooniverse_id": None,
            "type": "users",
            "href": "/users/2",
            "links": {},
        }
    ]


def test_a_project(standin: StandinServer) -> None:
    assert standin.api("GET", "/projects/10").json()["projects"] == [
        {
            "id": "10",
            "display_name": "Galaxy Demo",
            "slug": "alice/galaxy-demo",
            "private": False,
            "href": "/projects/10",
            "links": {
                "workflows": ["100", "101", "102", "103"],
                "active_workflows": ["100", "101", "102", "103"],
                "subject_sets": ["7", "11", "13"],
                "owner": {
                    "id": "2",
                    "display_name": "Alice",
                    "type": "users",
                    "href": "/users/2",
                },
            },
        }
    ]


def test_the_projects_of_a_role_fill_more_than_a_page(standin: StandinServer) -> None:
    token = standin.token(ALICE)
    first = _ids(standin, f"/projects?{ROLES}", token=token)
    second = _ids(standin, f"/projects?{ROLES}&page=2", token=token)
    assert (first[:2], len(first), len(second)) == (["10", "20"], 20, 6)
    joined = _ids(standin, "/projects?current_user_roles=owner,collaborator", token=token)
    assert joined == first
    owned = _ids(standin, "/projects?current_user_roles=owner&page_size=100", token=token)
    assert len(owned) == 25
    assert "20" not in owned


@pytest.mark.parametrize(("user", "projects"), [(BOB, []), (CAROL, []), (DAVE, ["30"]), (ROOT, [])])
def test_who_has_which_projects(standin: StandinServer, user: int, projects: list[str]) -> None:
    assert _ids(standin, f"/projects?{ROLES}", token=standin.token(user)) == projects


def test_the_role_filter_is_forgotten_for_a_token_that_is_not_known(
    standin: StandinServer,
) -> None:
    public = _ids(standin, "/projects")
    assert len(public) == 20
    assert "30" not in public
    revoked = standin.token(BOB)
    standin.revoke(token=revoked)
    tokens = (None, "garbage", standin.token(BOB, -60), standin.token(BOB, foreign=True), revoked)
    for token in tokens:
        assert _ids(standin, f"/projects?{ROLES}", token=token) == public


@pytest.mark.parametrize(
    ("user", "seen"), [(ALICE, False), (BOB, False), (CAROL, False), (DAVE, True)]
)
def test_a_private_project_is_seen_by_those_with_a_role(
    standin: StandinServer, user: int, seen: bool
) -> None:
    token = standin.token(user)
    paths = ("/projects/30", "/workflows/300", "/subject_sets/8", "/subjects/3001")
    assert [standin.api("GET", path, token=token).ok for path in paths] == [seen] * 4
    assert ("300" in _ids(standin, "/workflows", token=token)) is seen


def test_a_workflow(standin: StandinServer) -> None:
    row = standin.api("GET", "/workflows/100").json()["workflows"][0]
    assert row["tasks"]["T0"]["answers"][0] == {"label": "Yes, a galaxy"}
    del row["tasks"]
    assert row == {
        "id": "100",
        "display_name": "Is it a galaxy?",
        "version": "12.10",
        "configuration": {"level": "1"},
        "retirement": {"criteria": "classification_count", "options": {"count": 15}},
        "active": True,
        "primary_language": "en",
        "first_task": "T0",
        "steps": [],
        "classifications_count": 0,
        "subjects_count": 200,
        "retired_set_member_subjects_count": 0,
        "completeness": 0.0,
        "created_at": "2026-01-01T00:00:00.000Z",
        "updated_at": "2026-01-01T00:00:00.000Z",
        "href": "/workflows/100",
        "links": {
            "project": "10",
            "subject_sets": ["7"],
            "tutorial_subject": None,
            "published_version": None,
        },
    }


def test_the_list_of_workflows_also_answers_for_an_empty_id(standin: StandinServer) -> None:
    public = ["100", "101", "102", "103", "200", "201"]
    assert _ids(standin, "/workflows") == public
    assert _ids(standin, "/workflows/") == public
    assert _ids(standin, "/workflows?project_id=20") == ["200", "201"]


def test_the_tasks_of_the_survey_and_of_the_transcription(standin: StandinServer) -> None:
    survey = standin.api("GET", "/workflows/200").json()["workflows"][0]["tasks"]["T0"]
    assert survey["type"] == "survey"
    assert set(survey["choicesOrder"]) == survey["choices"].keys() >= {"HUMAN", "NOTHINGHERE"}
    token = standin.token(DAVE)
    tasks = standin.api("GET", "/workflows/300", token=token).json()["workflows"][0]["tasks"]
    assert (tasks["T0"]["type"], tasks["T1"]["question"]) == ("text", "Is the page complete?")


def test_the_tasks_of_drawings_and_the_combo(standin: StandinServer) -> None:
    token = standin.token(ROOT)
    for workflow_id, shape in ((102, "point"), (103, "polygon"), (201, "rectangle")):
        row = standin.api("GET", f"/workflows/{workflow_id}").json()["workflows"][0]
        task = row["tasks"]["T0"]
        assert (task["type"], {tool["type"] for tool in task["tools"]}) == ("drawing", {shape})
        assert all(tool["label"] and tool["details"] == [] for tool in task["tools"])
    row = standin.api("GET", "/workflows/301?admin=true", token=token).json()["workflows"][0]
    tasks = row["tasks"]
    assert [tasks[key]["type"] for key in tasks["T3"]["tasks"]] == ["single", "multiple", "slider"]


def test_a_subject_set(standin: StandinServer) -> None:
    assert standin.api("GET", "/subject_sets/7").json()["subject_sets"] == [
        {
            "id": "7",
            "display_name": "Set A",
            "set_member_subjects_count": 200,
            "metadata": {},
            "completeness": {},
            "href": "/subject_sets/7",
            "links": {"project": "10", "workflows": ["100"]},
        }
    ]
    assert _ids(standin, "/subject_sets?project_id=20") == ["21", "22", "23"]
    assert _ids(standin, "/subject_sets?workflow_id=101") == ["11"]


def test_membership(standin: StandinServer) -> None:
    path = "/set_member_subjects?subject_set_id=7&subject_id=70,2001"
    rows = standin.api("GET", path).json()["set_member_subjects"]
    assert [row["links"] for row in rows] == [{"subject_set": "7", "subject": "70"}]


def test_collections(standin: StandinServer) -> None:
    row = standin.api("GET", "/collections/5").json()["collections"][0]
    assert row == {
        "id": "5",
        "name": None,
        "display_name": "Keepers",
        "slug": "alice/keepers",
        "favorite": False,
        "private": False,
        "default_subject_src": None,
        "description": "",
        "href": "/collections/5",
        "links": {
            "owner": {"id": "2", "display_name": "Alice", "type": "users", "href": "/users/2"},
            "collection_roles": [],
            "subjects": ["70"],
            "projects": ["10"],
        },
    }
    rows = standin.api("GET", "/collections").json()["collections"]
    projects = {row["id"]: row["links"]["projects"] for row in rows}
    assert projects == {"5": ["10"], "6": [], "9": ["30", "10"], "12": ["20"]}
    assert _ids(standin, "/collections?owner=alice") == ["5", "6", "12"]
    assert _ids(standin, "/collections?owner=nobody") == []
    assert _ids(standin, "/collections?project_ids=30,20") == ["9", "12"]
    assert _ids(standin, "/collections?project_id=10&owner=dave") == ["9"]


def test_a_subject(standin: StandinServer) -> None:
    assert standin.api("GET", "/subjects/70?project_id=10").json()["subjects"] == [
        {
            "id": "70",
            "metadata": {"#filename": "a.jpg"},
            "locations": [{"image/svg+xml": f"{standin.url}/media/70.svg"}],
            "zooniverse_id": None,
            "external_id": None,
            "created_at": "2026-01-01T00:00:00.000Z",
            "updated_at": "2026-01-01T00:00:00.000Z",
            "href": "/subjects/70",
            "links": {"project": "10", "collections": ["5"], "subject_sets": ["7"]},
        }
    ]


def test_a_subject_of_another_project_is_an_empty_list(standin: StandinServer) -> None:
    answer = standin.api("GET", "/subjects/70?project_id=20")
    assert (answer.status_code, answer.json()["subjects"]) == (200, [])


def test_the_subjects_of_a_workflow_are_sorted_by_id(standin: StandinServer) -> None:
    ids = [int(found) for found in _ids(standin, "/subjects?workflow_id=100&page_size=100")]
    assert ids == [70, *range(1001, 1100)]
    assert _ids(standin, "/subjects?subject_set_id=22") == []
    assert len(_ids(standin, "/subjects?workflow_id=300")) == 0
    assert len(_ids(standin, "/subjects?workflow_id=300", token=standin.token(DAVE))) == 20


def test_some_subjects_are_for_training(standin: StandinServer) -> None:
    rows = standin.api("GET", "/subjects?workflow_id=100&page_size=100").json()["subjects"]
    training = [row["metadata"] for row in rows if "#training_subject" in row["metadata"]]
    assert 10 <= len(training) <= 20
    assert {str(metadata["#training_subject"]).lower() for metadata in training} == {"true"}
    assert {metadata["#feedback_1_answer"] for metadata in training} <= {"0", "1", "2"}


def test_classifications_are_filtered_by_everything_asked_for(standin: StandinServer) -> None:
    standin.add_classifications(
        [
            classification(9001),
            classification(9002, user=None),
            classification(9003, subjects=["1001", "1002"]),
            classification(9004, workflow="101"),
            classification(9005, project="20", workflow="200", subjects=["2001"]),
        ]
    )
    token = standin.token(ROOT)
    for query, ids in {
        "": ["9001", "9002", "9003", "9004", "9005"],
        "&workflow_id=100&subject_id=70": ["9001", "9002"],
        "&workflow_id=100&user_id=3": ["9001", "9003"],
        "&subject_id=1002,2001": ["9003", "9005"],
        "&project_id=20": ["9005"],
        "&project_id=10&last_id=9002": ["9003", "9004"],
    }.items():
        path = f"/classifications/project?admin=true{query}"
        assert sorted(_ids(standin, path, token=token)) == ids
    row = standin.api("GET", "/classifications/project?admin&subject_id=70", token=token).json()
    assert row["classifications"][0] == classification(9001)
    assert row["classifications"][1]["links"]["user"] is None


def test_pages_of_classifications_are_not_counted(standin: StandinServer) -> None:
    standin.add_classifications([classification(number) for number in range(1, 26)])
    path, token = "/classifications/project?admin&subject_id=70&workflow_id=100", standin.token(1)
    seen = []
    for page in (1, 2, 3):
        document = standin.api("GET", f"{path}&page={page}", token=token).json()
        paging = document["meta"]["classifications"]
        assert (paging["count"], paging["page_count"]) == (0, 0)
        seen.append((len(document["classifications"]), paging["next_href"]))
    base = "/classifications/project?page={}&subject_id=70&workflow_id=100"
    assert seen == [(20, base.format(2)), (5, base.format(3)), (0, None)]


def test_classifications_without_admin_are_those_of_own_projects(standin: StandinServer) -> None:
    standin.add_classifications(
        [classification(1), classification(2, project="30", workflow="300", subjects=["3001"])]
    )
    path = "/classifications/project"
    for user, ids in {ALICE: ["1"], DAVE: ["2"], BOB: [], ROOT: []}.items():
        assert _ids(standin, path, token=standin.token(user)) == ids
    assert standin.api("GET", path).status_code == 401
    unscoped = standin.api("GET", path, token=standin.token(ALICE, scope="user public"))
    assert (unscoped.status_code, unscoped.content) == (403, b"")


def test_last_id_wants_a_project(standin: StandinServer) -> None:
    path = "/classifications/project?admin&last_id=1"
    answer = standin.api("GET", path, token=standin.token(ROOT))
    message = "Project ID required if last_id is included"
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (422, message)


def test_a_classification_sent_again_takes_the_place_of_the_first(standin: StandinServer) -> None:
    standin.add_classifications([classification(1), classification(1, subjects=["1001"])])
    token, path = standin.token(ROOT), "/classifications/project?admin"
    assert _ids(standin, f"{path}&subject_id=70", token=token) == []
    assert _ids(standin, f"{path}&subject_id=1001", token=token) == ["1"]
    assert standin.api("GET", "/workflows/100").json()["workflows"][0]["classifications_count"] == 1


def test_preferences(standin: StandinServer) -> None:
    token = standin.token(ROOT)
    path = "/project_preferences?admin=true&project_id=10&user_id={}"
    row = standin.api("GET", path.format(BOB), token=token).json()["project_preferences"][0]
    assert {name: row[name] for name in ("id", "settings", "links")} == {
        "id": "900",
        "settings": {"workflow_id": "100", "designator": {"subject_set_chances": {}}},
        "links": {"user": "3", "project": "10"},
    }
    assert _ids(standin, path.format(DAVE), token=token) == []
    rows = standin.api("GET", path.format(CAROL), token=token).json()["project_preferences"]
    assert [row["settings"] for row in rows] == [{}]
    assert len(_ids(standin, path.format(1059), token=token)) == 1
    answer = standin.api("GET", "/project_preferences/900?admin=true", token=token)
    assert answer.headers["ETag"].startswith('W/"')


def test_only_an_admin_sees_the_preferences_of_others(standin: StandinServer) -> None:
    path = "/project_preferences/900"
    assert standin.api("GET", path).status_code == 401
    assert standin.api("GET", path, token=standin.token(BOB)).ok
    for token in (standin.token(ALICE), standin.token(ROOT)):
        assert standin.api("GET", path, token=token).status_code == 404
        query = "/project_preferences?project_id=10&user_id=3"
        assert _ids(standin, query, token=token) == []


def _ids(standin: StandinServer, path: str, *, token: str | None = None) -> list[str]:
    answer = standin.api("GET", path, token=token)
    assert answer.status_code == 200, answer.text
    plural = next(iter(answer.json().keys() - {"links", "meta"}))
    return [row["id"] for row in answer.json()[plural]]
