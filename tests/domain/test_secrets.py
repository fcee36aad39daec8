"""Secrets of effects: taken out, found again by their masks, and never for another server."""

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caesar_web.domain.documents import read_document
from caesar_web.domain.effects import EffectRow, Target, read_effect_row, target_of
from caesar_web.domain.options import MASK
from caesar_web.domain.secrets import Destination, SecretLost, destination, resolved, says_the_same
from caesar_web.domain.values import Problem

HOOK = "https://example.org/hook?a=1"
WITH_USERINFO = "https://bob:pa%40ss@example.org:8443/hook?a=1"
AUTH = {"url": HOOK, "reducer_key": "swap", "username": "bob", "password": "s3cret"}
MASKED_AUTH = {**AUTH, "password": MASK}
PRINTABLE = "".join(map(chr, range(33, 127)))


def read(config: dict[str, Any], action: str = "external_with_basic_auth") -> EffectRow:
    problems: list[Problem] = []
    row = read_effect_row(action, config, topic="subject", place="effect", problems=problems)
    assert problems == []
    return row


def external(url: str) -> EffectRow:
    return read({"url": url, "reducer_key": "swap"}, "external")


def test_a_password_is_taken_out_of_the_config_b6() -> None:
    row = read(AUTH)
    assert row == EffectRow("external_with_basic_auth", MASKED_AUTH, {"password": "s3cret"})
    assert "s3cret" not in repr(row)


@pytest.mark.parametrize(
    ("url", "shown", "secret"),
    [
        (WITH_USERINFO, f"https://{MASK}@example.org:8443/hook?a=1", "bob:pa%40ss"),
        ("https://token@example.org", f"https://{MASK}@example.org", "token"),
        ("https://a:b@c@example.org/x", f"https://{MASK}@example.org/x", "a:b@c"),
        (R"https://a:b\@example.org/x", f"https://{MASK}@example.org/x", "a:b\\"),
        ("https://us\ner:pw@example.org/x", f"https://{MASK}@example.org/x", "user:pw"),
    ],
)
def test_userinfo_is_taken_out_of_a_url_b6(url: str, shown: str, secret: str) -> None:
    row = external(url)
    assert row.config["url"] == shown
    assert row.secrets == {"url": secret}


@pytest.mark.parametrize("url", [HOOK, "https://example.org/a@b", "https://example.org?mail=a@b"])
def test_a_url_without_userinfo_stays_as_it_is(url: str) -> None:
    assert external(url) == EffectRow("external", {"url": url, "reducer_key": "swap"})


def test_documents_never_hold_secrets_where_they_are_shown_b6() -> None:
    effect = {"action": "external_with_basic_auth", **AUTH, "url": WITH_USERINFO}
    document = read_document({"rules_config": [{"if": ["const", True], "then": [effect]}]})
    assert "s3cret" not in repr(document)
    assert "pa%40ss" not in repr(document)


@given(st.text(sorted(set(PRINTABLE) - set("/?#[]*")), min_size=1))
def test_what_is_taken_out_is_what_is_sent(secret: str) -> None:
    row = external(f"https://bob:{secret}@example.org/x")
    assert row.config["url"] == f"https://{MASK}@example.org/x"
    found = destination(row.config, row.secrets)
    assert found == Destination("https://example.org/x", ("bob", unquote(secret)))


@pytest.mark.parametrize(
    ("row", "goes_to"),
    [
        (read(AUTH), (HOOK, ("bob", "s3cret"))),
        (read({**AUTH, "secret": "shared"}), (HOOK, ("bob", "s3cret"), "shared")),
        (read({**AUTH, "password": None}), (HOOK, ("bob", ""))),
        (external(HOOK), (HOOK, None)),
        (external(WITH_USERINFO), ("https://example.org:8443/hook?a=1", ("bob", "pa@ss"))),
        (external("https://token@example.org"), ("https://example.org", ("token", ""))),
        (
            read({**AUTH, "url": WITH_USERINFO}),
            ("https://example.org:8443/hook?a=1", ("bob", "s3cret")),
        ),
    ],
)
def test_an_address_and_whom_it_gets_it_from(row: EffectRow, goes_to: Any) -> None:
    assert destination(row.config, row.secrets) == Destination(*goes_to)


@pytest.mark.parametrize(
    "row",
    [
        read(AUTH),
        external(WITH_USERINFO),
        external(f"https://{MASK}@a"),
        read({"url": HOOK, "reducer_key": "swap", "secret": "shared"}, "external"),
    ],
)
def test_a_mask_is_never_sent(row: EffectRow) -> None:
    for secrets in ({}, dict.fromkeys(row.secrets, MASK)):
        with pytest.raises(SecretLost):
            destination(row.config, secrets)


def resolve(row: EffectRow, *kept: EffectRow) -> tuple[dict[str, str], list[str]]:
    problems: list[Problem] = []
    found = resolved(row, kept, place="then[0]", problems=problems)
    assert (found.action, found.config) == (row.action, row.config)
    return found.secrets, [str(problem) for problem in problems]


def test_a_mask_that_is_sent_back_keeps_the_value_b6() -> None:
    kept = read(AUTH)
    assert resolve(read(MASKED_AUTH), kept) == ({"password": "s3cret"}, [])
    assert resolve(read({**MASKED_AUTH, "username": "ann"}), kept) == ({"password": "s3cret"}, [])
    other_path = {**MASKED_AUTH, "url": "https://EXAMPLE.org:443/other"}
    assert resolve(read(other_path), kept) == ({"password": "s3cret"}, [])
    kept = external(WITH_USERINFO)
    masked = external(f"https://{MASK}@example.org:8443/other")
    assert resolve(masked, kept) == ({"url": "bob:pa%40ss"}, [])


def test_a_new_value_replaces_what_is_kept() -> None:
    assert resolve(read({**AUTH, "password": "new"}), read(AUTH)) == ({"password": "new"}, [])
    assert resolve(read({**AUTH, "password": None}), read(AUTH)) == ({}, [])


def test_a_mask_that_stands_for_nothing_is_a_problem() -> None:
    says = "at then[0].password: must be given: there is nothing kept that the mask could stand for"
    assert resolve(read(MASKED_AUTH)) == ({}, [says])
    assert resolve(read(MASKED_AUTH), external(WITH_USERINFO)) == ({}, [says])


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook",
        "https://example.org:8443/hook",
        "https://example.org.evil.example/hook",
        "https://sub.example.org/hook",
        "https://example.org@evil.example/hook",
    ],
)
def test_what_is_kept_for_one_server_never_goes_to_another(url: str) -> None:
    secrets, (problem,) = resolve(read({**MASKED_AUTH, "url": url}), read(AUTH))
    assert "password" not in secrets
    assert problem == (
        "at then[0].password: must be given again: what is kept belongs to another server"
    )


def test_among_several_the_one_that_is_the_same_counts() -> None:
    ann = read({**AUTH, "username": "ann", "password": "of ann"})
    bob = read(AUTH)
    assert resolve(read(MASKED_AUTH), ann, bob) == ({"password": "s3cret"}, [])
    changed = read({**MASKED_AUTH, "username": "cleo"})
    secrets, (problem,) = resolve(changed, ann, bob)
    assert secrets == {}
    assert "must be given: the mask could stand for more than one that is kept" in problem
    assert resolve(changed, bob, bob) == ({"password": "s3cret"}, [])


@pytest.mark.parametrize("password", [f"{MASK}*", f"bob:{MASK}", MASK + MASK])
def test_a_mask_is_no_part_of_a_secret(password: str) -> None:
    _, (problem,) = resolve(read({**AUTH, "password": password}), read(AUTH))
    assert "must be given in full" in problem


def test_problems_name_no_secret() -> None:
    kept = [read({**AUTH, "password": f"s3cret{number}"}) for number in (1, 2)]
    for url in (HOOK, "https://example.com"):
        _, problems = resolve(read({**MASKED_AUTH, "url": url}), *kept)
        assert problems
        assert "s3cret" not in str(problems)


def test_a_mask_says_the_same_as_whatever_is_kept() -> None:
    assert says_the_same(read(MASKED_AUTH), read(AUTH))
    assert says_the_same(read(AUTH), read(AUTH))
    assert not says_the_same(read({**AUTH, "password": "other"}), read(AUTH))
    assert not says_the_same(read({**AUTH, "username": "ann"}), read(AUTH))
    assert not says_the_same(read(AUTH), EffectRow("external_with_basic_auth", MASKED_AUTH))


@pytest.mark.parametrize(
    ("action", "config", "target"),
    [
        ("add_subject_to_set", {"subject_set_id": 7}, Target("subject_set_id", 7)),
        ("add_subject_to_collection", {"collection_id": 7}, Target("collection_id", 7)),
        ("promote_user", {"workflow_id": 7}, Target("workflow_id", 7)),
        ("retire_subject", {"reason": "other"}, None),
        ("external", {"url": HOOK, "reducer_key": "swap"}, None),
        ("external_with_basic_auth", AUTH, None),
        ("levitate", {}, None),
    ],
)
def test_what_an_effect_changes(action: str, config: dict[str, Any], target: Target | None) -> None:
    assert target_of(action, config) == target
