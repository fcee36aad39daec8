"""The shape of what the API answers: lists and single rows with their paging, ETags and errors."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import urlencode

import orjson
from flask import Response, request

from caesar_web.standin.world import JSON

Resource = TypeVar("Resource")
MEDIA_TYPE = "application/vnd.api+json; version=1; charset=utf-8"
PAGE_SIZE = 20
PAGE_SIZE_LIMIT = 100


class ApiError(Exception):
    """An answer that is no success; without a message its body is empty."""

    def __init__(
        self, status: int, message: str = "", *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


def problem(status: int, message: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """An error as Panoptes words it; an empty message makes an empty body."""
    body = orjson.dumps({"errors": [{"message": message}]}) if message else b""
    return Response(body, status=status, headers=dict(headers or {}), content_type=MEDIA_TYPE)


def not_found(kind: str, resource_id: object) -> ApiError:
    return ApiError(404, f"Could not find {kind} with id='{resource_id}'")


def document(plural: str, rows: Iterable[JSON], *, paging: JSON) -> Response:
    body = {plural: list(rows), "links": {}, "meta": {plural: paging}}
    return Response(orjson.dumps(body), content_type=MEDIA_TYPE)


def single(plural: str, row: JSON) -> Response:
    """One row, in a list, with the ETag that an update of it must present."""
    found = document(plural, [row], paging=_paging(f"/{plural}", _Window(1, PAGE_SIZE), count=1))
    found.headers["ETag"] = etag(row)
    return found


def listing(
    plural: str,
    resources: Iterable[Resource],
    row: Callable[[Resource], JSON],
    *,
    filters: tuple[str, ...] = (),
) -> Response:
    """The page that the request asks for; `filters` are the parameters that its links repeat."""
    window = _Window.asked_for()
    whole = list(resources)
    shown = [row(resource) for resource in window.of(whole)]
    paging = _paging(f"/{plural}", window, count=len(whole), repeated=_repeated(filters))
    return document(plural, shown, paging=paging)


def countless_listing(
    plural: str,
    resources: Iterable[Resource],
    row: Callable[[Resource], JSON],
    *,
    path: str,
    filters: tuple[str, ...] = (),
) -> Response:
    """A page of a list that is too long to count: each page with rows names a next one."""
    window = _Window.asked_for()
    shown = [row(resource) for resource in window.of(resources)]
    paging = _paging(path, window, count=0, repeated=_repeated(filters), more=bool(shown))
    return document(plural, shown, paging=paging)


def etag(row: JSON) -> str:
    digest = hashlib.md5(orjson.dumps(row, option=orjson.OPT_SORT_KEYS), usedforsecurity=False)
    return f'W/"{digest.hexdigest()}"'


class _Window:
    """Which page, of which size."""

    def __init__(self, page: int, size: int) -> None:
        self.page = page
        self.size = size

    @classmethod
    def asked_for(cls) -> "_Window":
        page = request.args.get("page", 1, type=int)
        size = request.args.get("page_size", PAGE_SIZE, type=int)
        return cls(max(page, 1), min(max(size, 1), PAGE_SIZE_LIMIT))

    def of(self, whole: Iterable[Resource]) -> Iterator[Resource]:
        return islice(whole, (self.page - 1) * self.size, self.page * self.size)


def _repeated(filters: tuple[str, ...]) -> dict[str, str]:
    return {name: request.args[name] for name in filters if name in request.args}


def _paging(
    path: str,
    window: _Window,
    *,
    count: int,
    repeated: Mapping[str, str] | None = None,
    more: bool = False,
) -> JSON:
    def href(page: int | None) -> str | None:
        if page is None:
            return None
        parameters: dict[str, Any] = dict(repeated or {})
        parameters |= {"page": page} if page > 1 else {}
        parameters |= {"page_size": window.size} if window.size != PAGE_SIZE else {}
        return f"{path}?{urlencode(sorted(parameters.items()))}" if parameters else path

    pages = -(-count // window.size)
    previous_page = window.page - 1 if window.page > 1 else None
    next_page = window.page + 1 if more or window.page < pages else None
    return {
        "page": window.page,
        "page_size": window.size,
        "count": count,
        "include": [],
        "page_count": pages,
        "previous_page": previous_page,
        "next_page": next_page,
        "first_href": href(1),
        "previous_href": href(previous_page),
        "next_href": href(next_page),
        "last_href": href(max(pages, 1)),
    }
