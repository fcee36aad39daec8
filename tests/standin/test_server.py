"""The stand-in as a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from caesar_web.config import load
from caesar_web.standin.tokens import load_keys

SERVE = (
    "import os; from caesar_web.config import load; from caesar_web.standin.server import serve; "
    "serve(load(os.environ))"
)


@contextmanager
def running(home: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = os.environ | {"CAESAR_HOME": str(home), "CAESAR_STANDIN_PORT": str(port)}
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen([sys.executable, "-W", "error", "-c", SERVE], env=environ) as process:
        try:
            _wait_for(url, process)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        try:
            requests.get(f"{url}/users/sign_in", timeout=1).raise_for_status()
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("The stand-in did not come up")


def test_tokens_survive_a_restart_and_the_world_does_not(tmp_path: Path) -> None:
    config = load({"CAESAR_HOME": str(tmp_path)})
    headers = {"Accept": "application/vnd.api+json; version=1"}
    form = {
        "grant_type": "client_credentials",
        "client_id": config.panoptes_client_id,
        "client_secret": config.panoptes_client_secret,
    }
    with running(tmp_path) as url:
        token = requests.post(f"{url}/oauth/token", form, timeout=10).json()["access_token"]
        headers["Authorization"] = f"Bearer {token}"
        link = f"{url}/api/collections/6/links/subjects?admin"
        added = requests.post(link, json={"subjects": [70]}, headers=headers, timeout=10)
        assert added.json()["collections"][0]["links"]["subjects"] == ["70"]
    with running(tmp_path) as url:
        assert requests.get(f"{url}/api/me", headers=headers, timeout=10).ok
        seen = requests.get(f"{url}/api/collections/6", headers=headers, timeout=10)
        assert seen.json()["collections"][0]["links"]["subjects"] == []


def test_the_keys_are_made_once_and_the_private_one_is_private(tmp_path: Path) -> None:
    first = load_keys(tmp_path / "standin")
    assert load_keys(tmp_path / "standin").private_pem == first.private_pem
    private, public = tmp_path / "standin" / "panoptes.pem", tmp_path / "standin" / "panoptes.pub"
    assert private.stat().st_mode & 0o777 == 0o600
    assert public.read_text() == first.public_pem
    assert "PRIVATE" not in public.read_text()
    assert {path.name for path in private.parent.iterdir()} == {"panoptes.pem", "panoptes.pub"}
