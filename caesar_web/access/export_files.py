"""The files of exports: how they are called, where anybody can have one, and how one is sent."""

from pathlib import Path

from flask import Response, redirect, send_file, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from caesar_web.access import exports, parts
from caesar_web.jobs import tasks
from caesar_web.storage.places import Shown
from caesar_web.store.data_request_statements import export_of
from caesar_web.store.runs import DataRequest

REDIRECT_SECONDS = 300  # as long as a browser may take to follow


def shown_as(request: DataRequest) -> Shown:
    """A name that says what it is, and what it is sent as."""
    export = export_of(request)
    of = f"{request.exportable_type.lower()}-{request.exportable_id}"
    day = f"{request.created_at:%Y-%m-%d}"
    name = f"{of}-{export.kind.replace('_', '-')}-{day}.{export.extension}"
    return Shown(name, export.content_type)


def address(request: DataRequest) -> str:
    """Where a client without our cookie can have the file, until it expires."""
    kept = request.expires_at
    seconds = 0 if kept is None else int((kept - parts.now()).total_seconds())
    name = request.file or ""
    elsewhere = tasks.storage().url(name, shown_as(request), seconds=max(1, seconds))
    if elsewhere is not None:
        return elsewhere
    token = exports.sign(request)
    if public := parts.config().public_url:
        return public + url_for("export_files.by_link", token=token)
    return url_for("export_files.by_link", token=token, _external=True)


def sent(request: DataRequest) -> AnyResponse:
    """The file, or where it is."""
    shown, name = shown_as(request), request.file or ""
    storage = tasks.storage()
    if elsewhere := storage.url(name, shown, seconds=REDIRECT_SECONDS):
        return redirect(elsewhere)
    path = storage.path(name)
    if path is None:
        raise NotFound
    return _streamed(path, shown)


def _streamed(path: Path, shown: Shown) -> Response:
    response = send_file(path, as_attachment=True, download_name=shown.name, max_age=0)
    response.content_type = shown.content_type
    return response
