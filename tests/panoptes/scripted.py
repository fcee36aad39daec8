"""A server that answers what a test tells it to, for what no decent Panoptes would send."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Seen:
    """A request that came in."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    @property
    def token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode())


@dataclass(frozen=True)
class Reply:
    """What to answer. A body that is not bytes is sent as JSON."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Script = Callable[[Seen], Reply]


@dataclass
class Scripted:
    """A running server: its address, its script, and what it was asked."""

    url: str
    script: Script
    seen: list[Seen] = field(default_factory=list)

    def asked(self, path: str) -> list[Seen]:
        return [request for request in self.seen if request.path == path]


@contextmanager
def scripted_server(script: Script) -> Iterator[Scripted]:
    """Serve the script on a free port of the loopback address."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            address = urlsplit(self.path)
            seen = Seen(
                self.command,
                address.path,
                parse_qs(address.query, keep_blank_values=True),
                dict(self.headers.items()),
                self.rfile.read(length),
            )
            running.seen.append(seen)
            reply = running.script(seen)
            body = reply.encoded()
            try:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in reply.headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except ConnectionError:
                self.close_connection = True  # the client had enough, which some tests are about

        do_GET = do_POST = _answer

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing: a test reads `seen`."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 64  # with the usual 5, a crowd of threads waits a second

    server = Server(("127.0.0.1", 0), Handler)
    running = Scripted(f"http://127.0.0.1:{server.server_address[1]}", script)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class TokenDesk:
    """A script for /oauth/token that numbers the tokens it gives; the rest is another script."""

    def __init__(self, otherwise: Script | None = None, **over: Any) -> None:
        self.otherwise = otherwise or (lambda seen: Reply(404))
        self.over = over
        self.given = 0

    def __call__(self, seen: Seen) -> Reply:
        if seen.path != "/oauth/token":
            return self.otherwise(seen)
        self.given += 1
        token = {"access_token": f"token-{self.given}", "token_type": "Bearer", "expires_in": 7200}
        return Reply(body=token | self.over)
