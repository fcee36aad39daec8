"""Effects as data: their names, their options, and which acts once for a target."""

from typing import Any

import pytest

from caesar_web.domain.effects import EFFECTS, Effect, read_effect
from caesar_web.domain.values import Problem
from tests.domain.making import golden_cases, refused_places


def read(case: dict[str, Any], problems: list[Problem]) -> tuple[str, dict[str, Any]]:
    return read_effect(
        case["action"], case["config"], topic=case["topic"], place="effect", problems=problems
    )


@pytest.mark.parametrize("case", golden_cases("effects", "gives"))
def test_effects(case: dict[str, Any]) -> None:
    problems: list[Problem] = []
    assert [*read(case, problems)] == case["gives"]
    assert problems == []


@pytest.mark.parametrize("case", golden_cases("effects", "refused"))
def test_refused_effects(case: dict[str, Any]) -> None:
    problems: list[Problem] = []
    read(case, problems)
    options = [place.rpartition(".")[2] for place in refused_places(problems)]
    assert options == case["refused"]


@pytest.mark.parametrize("action", EFFECTS)
def test_all_but_external_effects_act_once_for_a_target(action: str) -> None:
    assert Effect(1, 1, action, {}).type.once is not action.startswith("external")


@pytest.mark.parametrize("action", EFFECTS)
def test_what_is_for_users(action: str) -> None:
    is_for_users = action in ("promote_user", "set_subject_set_chances")
    assert EFFECTS[action].topic == ("user" if is_for_users else "subject")
