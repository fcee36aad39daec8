"""Serving the stand-in on loopback: `serve` for a process of its own, `listen` for tests."""

import signal
from types import FrameType

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from caesar_web.config import Config
from caesar_web.standin.app import create_standin
from caesar_web.standin.state import Settings
from caesar_web.standin.tokens import load_keys

HOST = "127.0.0.1"


class _Quiet(WSGIRequestHandler):
    """Says nothing about requests: the stand-in has a log of its own. Errors are still printed."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def listen(app: Flask, port: int) -> BaseWSGIServer:
    """A server with a thread for each connection, already listening; port 0 takes a free one."""
    return make_server(HOST, port, app, threaded=True, request_handler=_Quiet)


def serve(config: Config) -> None:
    """Serves until SIGTERM or SIGINT. The keys stay in `home/standin`, all else in memory."""
    settings = Settings(
        client_id=config.panoptes_client_id,
        client_secret=config.panoptes_client_secret,
        keys=load_keys(config.home / "standin"),
    )
    server = listen(create_standin(settings), config.standin_port)
    signal.signal(signal.SIGTERM, _stop)
    try:
        server.serve_forever()
    except (KeyboardInterrupt, SystemExit):
        pass
    finally:
        server.server_close()


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit
