"""The small internet and its certificate authority."""

import socket

import pytest

from tests.external.internet import Authority, Internet


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.create()
    return made


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> Internet:
    """Everything that the test resolves and connects to; its authority is trusted."""
    made = Internet()
    monkeypatch.setattr(socket, "getaddrinfo", made.getaddrinfo)
    monkeypatch.setattr(
        socket.socket, "connect", lambda connection, place: made.connect(connection, place)
    )
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(authority.file))
    return made
