"""The one place that loads the Lambda forwarder (`lambda/` cannot be imported by name)."""

import importlib.util
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import requests

FORWARDER = Path(__file__).parents[2] / "lambda" / "caesar_forwarder.py"


@cache
def forwarder() -> ModuleType:
    """The module that is deployed to AWS, as it stands in this checkout."""
    specification = importlib.util.spec_from_file_location(FORWARDER.stem, FORWARDER)
    if specification is None or specification.loader is None or not FORWARDER.is_file():
        raise FileNotFoundError(f"{FORWARDER}: the forwarder comes with a checkout of the project")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def post_events(
    events: Sequence[Mapping[str, Any]],
    url: str,
    username: str,
    password: str,
    session: requests.Session | None = None,
) -> None:
    """The forwarder's own `post_events`: to `url` + /kinesis; raises requests.RequestException."""
    forwarder().post_events(events, url, username, password, session)
