"""`python -m tests.aggregation_online`: asks the aggregation library's own online application.

It is installed into a virtual environment of its own and started on loopback; its answers to the
payloads of `tests/golden/aggregation.json` are written there. What it writes as NaN is null there.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import requests

from tests.domain.making import GOLDEN, golden

FILE = GOLDEN / "aggregation.json"
SECONDS = 60


def main() -> None:
    """Records all answers anew."""
    cases = golden("aggregation")
    with (
        tempfile.TemporaryDirectory(prefix="caesar-aggregation-") as folder,
        application(Path(folder)) as url,
        requests.Session() as session,
    ):
        session.trust_env = False
        for case in cases:
            case["answer"] = _answer(session, f"{url}{case['path']}", case["payload"])
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    FILE.write_text(f"[\n{lines}\n]\n", "utf-8")


@contextmanager
def application(folder: Path) -> Iterator[str]:
    """Its address. It listens from the first on, so that requests wait until it has started."""
    _install(folder)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        given = ["--bind", f"fd://{server.fileno()}", "--timeout", str(SECONDS)]
        started = subprocess.Popen(
            [folder / "bin" / "gunicorn", *given, "panoptes_aggregation.routes:make_application()"],
            cwd=folder,
            env={"PATH": os.environ["PATH"]},
            pass_fds=[server.fileno()],
        )
    try:
        yield url
    finally:
        started.terminate()
        started.wait(SECONDS)


def _install(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    library = f"panoptes_aggregation[online]=={version('panoptes_aggregation')}"
    pip = [str(folder / "bin" / "pip"), "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, library, "gunicorn"], check=True)


def _answer(session: requests.Session, url: str, payload: Any) -> Any:
    answer = session.post(url, json=payload, timeout=SECONDS)
    if not answer.ok:
        raise SystemExit(f"{url} answers {answer.status_code} to {json.dumps(payload)}")
    return json.loads(answer.text, parse_constant=lambda _: None)


if __name__ == "__main__":
    main()
