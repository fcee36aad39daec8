"""Whose targets are: asked of Panoptes when an effect is saved, and again when it acts."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from caesar_web.domain.effects import EffectRow, Target
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.panoptes.client import Panoptes
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.pipeline.targets import Author, objection, permissions
from caesar_web.store.effects import Owner
from tests.standin.server import StandinServer

ALICE = Author("alice", 2, lambda project_id: project_id in (10, 20))
DAVE = Author("dave", 5, lambda project_id: project_id == 30)
BOB = Author("bob", 3, lambda _: False)
ROOT = Author("root", 1, lambda _: True, is_admin=True)
OPTIONS = {
    "subject_set_id": "add_subject_to_set",
    "collection_id": "add_subject_to_collection",
    "workflow_id": "promote_user",
}


@pytest.fixture
def panoptes(standin: StandinServer) -> Iterator[Panoptes]:
    client = Panoptes(standin.url, standin.client_id, standin.client_secret)
    yield client
    client.close()


def wanted(*targets: tuple[str, int]) -> list[tuple[str, EffectRow]]:
    return [
        (f"then[{at}]", EffectRow(OPTIONS[option], {option: id}))
        for at, (option, id) in enumerate(targets)
    ]


def problems(panoptes: Panoptes, author: Author, *targets: tuple[str, int]) -> list[str]:
    with pytest.raises(InvalidConfiguration) as refused:
        permissions(panoptes, wanted(*targets), author)
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("author", "option", "id", "owner"),
    [
        (ALICE, "subject_set_id", 7, {"project": 10}),
        (ALICE, "subject_set_id", 22, {"project": 20}),
        (DAVE, "subject_set_id", 8, {"project": 30}),
        (ROOT, "subject_set_id", 8, {"project": 30}),
        (ALICE, "collection_id", 5, {"project": 10}),
        (ALICE, "collection_id", 9, {"project": 10}),  # B5: not the first linked project
        (DAVE, "collection_id", 9, {"project": 30}),
        (ALICE, "collection_id", 6, {"owner": 2}),  # B5: in no project
        (ROOT, "collection_id", 6, {"owner": 2}),
        (ROOT, "collection_id", 9, {"project": 30}),
        (ALICE, "workflow_id", 101, {"project": 10}),  # B4
    ],
)
def test_what_a_permission_comes_from(
    panoptes: Panoptes, author: Author, option: str, id: int, owner: Owner
) -> None:
    found = permissions(panoptes, wanted((option, id)), author)
    assert found == {Target(option, id): owner}
    assert objection(panoptes, Target(option, id), owner) is None


@pytest.mark.parametrize(
    ("author", "option", "id", "says"),
    [
        (ALICE, "subject_set_id", 8, "subject set 8 belongs to a project that you may not"),
        (ALICE, "subject_set_id", 999, "there is no subject set 999"),
        (ROOT, "subject_set_id", 999, "there is no subject set 999"),
        (ROOT, "collection_id", 999, "there is no collection 999"),
        (ROOT, "workflow_id", 999, "there is no workflow 999"),
        (DAVE, "collection_id", 5, "collection 5 belongs neither to you nor to a project"),
        (BOB, "collection_id", 9, "collection 9 belongs neither to you nor"),
        (DAVE, "collection_id", 6, "collection 6 belongs neither to you nor"),
        (ALICE, "workflow_id", 300, "workflow 300 belongs to a project that you may not"),
        (DAVE, "workflow_id", 100, "workflow 100 belongs to a project that you may not"),
    ],
)
def test_what_nobody_may_point_at_is_told_on_its_field_b4_b5(
    panoptes: Panoptes, author: Author, option: str, id: int, says: str
) -> None:
    (problem,) = problems(panoptes, author, (option, id))
    assert problem.startswith(f"at then[0].{option}: {says}")


@pytest.mark.parametrize(("author", "may"), [(ALICE, False), (DAVE, True), (ROOT, True)])
def test_chances_are_of_a_subject_set_that_the_author_may_use(
    panoptes: Panoptes, author: Author, may: bool
) -> None:
    effect = EffectRow("set_subject_set_chances", {"subject_set_id": 8, "chance": 1})
    if may:
        owner = permissions(panoptes, [("then[0]", effect)], author)
        assert owner == {Target("subject_set_id", 8): {"project": 30}}
        return
    with pytest.raises(InvalidConfiguration, match="belongs to a project that you may not change"):
        permissions(panoptes, [("then[0]", effect)], author)


def test_an_operator_without_an_account_owns_no_collection(panoptes: Panoptes) -> None:
    nobody = Author("nobody", None, lambda _: False)
    assert problems(panoptes, nobody, ("collection_id", 6))


def test_every_problem_is_told_and_each_target_is_read_once(
    panoptes: Panoptes, standin: StandinServer
) -> None:
    eight, unknown = ("subject_set_id", 8), ("collection_id", 999)
    found = problems(panoptes, ALICE, eight, ("subject_set_id", 7), unknown, eight)
    assert [problem.partition(":")[0] for problem in found] == [
        "at then[0].subject_set_id",
        "at then[3].subject_set_id",
        "at then[2].collection_id",
    ]
    assert len(standin.log("^/api/subject_sets/8$")) == 1
    standin.clear_log()
    without = [("then[0]", EffectRow("retire_subject", {}))]
    assert permissions(panoptes, without, BOB) == {}
    assert standin.log("^/api") == []


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 500}, {"status": 403}])
def test_a_panoptes_that_is_away_gives_no_permission_and_no_problem(
    panoptes: Panoptes, standin: StandinServer, fault: dict[str, Any]
) -> None:
    standin.fail("/api/subject_sets", times=-1, **fault)
    with pytest.raises(PanoptesError):
        permissions(panoptes, wanted(("subject_set_id", 7)), ROOT)
    with pytest.raises(PanoptesError):
        objection(panoptes, Target("subject_set_id", 7), {"project": 10})


@pytest.mark.parametrize(
    ("target", "recorded", "says"),
    [
        (Target("subject_set_id", 7), None, "nobody's permission is recorded; save the effect"),
        (Target("subject_set_id", 999), {"project": 10}, "there is no subject set 999"),
        (
            Target("subject_set_id", 8),
            {"project": 10},
            "subject set 8 belongs to project 30 now, and no longer to project 10 as when the "
            "effect was saved; save the effect again",
        ),
        (Target("collection_id", 9), {"project": 20}, "collection 9 belongs to project 30, proj"),
        (Target("collection_id", 9), {"owner": 2}, "collection 9 belongs to project 30, project"),
        (Target("workflow_id", 300), {"project": 10}, "workflow 300 belongs to project 30 now"),
    ],
)
def test_what_an_action_may_not_touch_any_more(
    panoptes: Panoptes, target: Target, recorded: Owner | None, says: str
) -> None:
    assert str(objection(panoptes, target, recorded)).startswith(says)


class Answering:
    """A Panoptes that answers with one row."""

    def __init__(self, row: dict[str, Any]) -> None:
        self._row = row

    def read(self, *_: Any) -> dict[str, Any]:
        return self._row


@pytest.mark.parametrize(
    "row",
    [{}, {"links": None}, {"links": {}}, {"links": {"project": None}}, {"links": {"project": "x"}}],
)
def test_a_row_without_an_owner_is_a_fault_of_panoptes(
    monkeypatch: pytest.MonkeyPatch, panoptes: Panoptes, row: dict[str, Any]
) -> None:
    monkeypatch.setattr(panoptes, "_row", Answering(row).read)
    for option in OPTIONS:
        with pytest.raises(PanoptesError) as raised:
            objection(panoptes, Target(option, 7), {"project": 10})
        assert not raised.value.permanent


def test_a_group_is_no_user(monkeypatch: pytest.MonkeyPatch, panoptes: Panoptes) -> None:
    owner = {"id": "2", "type": "user_groups"}
    row = {"links": {"projects": [], "owner": owner}}
    monkeypatch.setattr(panoptes, "_row", Answering(row).read)
    assert problems(panoptes, ALICE, ("collection_id", 7)) == [
        "at then[0].collection_id: collection 7 belongs neither to you nor to a project that "
        "you may change"
    ]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://127.0.0.1/hook", "The host is at 127.0.0.1, which is not a public address"),
        ("https://169.254.169.254/", "The host is at 169.254.169.254, which is not"),
        ("https://[::1]/", "The host is at ::1, which is not"),
        ("https://2130706433/", "The host of the URL is not an IP address in its usual form"),
        ("https://example.org/#a", "The URL must not have a fragment"),
    ],
)
def test_b4_an_address_that_is_never_called_is_not_saved(
    panoptes: Panoptes, url: str, says: str
) -> None:
    effect = EffectRow("external", {"url": url, "reducer_key": "counts"})
    with pytest.raises(InvalidConfiguration, match=r"^at then\[0\]\.url: " + re.escape(says)):
        permissions(panoptes, [("then[0]", effect)], ROOT)
