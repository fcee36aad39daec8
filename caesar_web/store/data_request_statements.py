"""Statements over data requests, each of which is carried out by a run."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Text, func, select, update
from sqlalchemy.orm import Session

from caesar_web.domain.exports import Export, kept_export
from caesar_web.store.db import among
from caesar_web.store.runs import DataRequest, Run
from caesar_web.store.snapshot import Reducible


class Asked(NamedTuple):
    """A data request with the run that carries it out."""

    request: DataRequest
    run: Run

    @property
    def export(self) -> Export:
        return export_of(self.request)


class Visible(NamedTuple):
    """Which data requests somebody may see: all, or only public ones of these kinds."""

    kinds: Collection[str]
    only_public: bool


def export_of(request: DataRequest) -> Export:
    """What the request is for."""
    return kept_export(request.requested_data, request.subgroup, request.user_id, request.options)


def add(
    session: Session,
    reducible: Reducible,
    export: Export,
    *,
    id: UUID,
    run_id: int,
    is_public: bool,
    now: datetime,
) -> None:
    """Writes a request down; asking for the same again is another request."""
    session.add(
        DataRequest(
            id=id,
            exportable_type=reducible.type,
            exportable_id=reducible.id,
            requested_data=export.kind,
            user_id=export.user_id,
            subgroup=export.subgroup,
            options=export.options(),
            is_public=is_public,
            run_id=run_id,
            created_at=now,
            updated_at=now,
        )
    )
    session.flush()


def listed(
    session: Session,
    reducible: Reducible,
    visible: Visible,
    *,
    most: int,
    before: int | None = None,
    kind: str | None = None,
    subgroup: str | None = None,
) -> list[Asked]:
    """The newest requests of a workflow or project, whose runs are older than `before`."""
    wanted = _of(reducible, visible)
    if before is not None:
        wanted = wanted.where(DataRequest.run_id < before)
    if kind is not None:
        wanted = wanted.where(DataRequest.requested_data == kind)
    if subgroup is not None:
        wanted = wanted.where(DataRequest.subgroup == subgroup)
    newest = (DataRequest.created_at.desc(), DataRequest.run_id.desc())
    rows = session.execute(wanted.order_by(*newest).limit(most))
    return [Asked(request, run) for request, run in rows]


def find(session: Session, reducible: Reducible, visible: Visible, id: UUID) -> Asked | None:
    """One of the requests of a workflow or project."""
    row = session.execute(_of(reducible, visible).where(DataRequest.id == id)).one_or_none()
    return None if row is None else Asked(row[0], row[1])


def get(session: Session, id: UUID) -> DataRequest | None:
    """A request, whosever it is."""
    return session.get(DataRequest, id)


def count_unfinished(session: Session, reducible: Reducible) -> int:
    """How many exports of a workflow or project are not over."""
    wanted = select(func.count()).where(
        Run.kind == "export",
        Run.reducible_type == reducible.type,
        Run.reducible_id == reducible.id,
        Run.finished_at.is_(None),
    )
    return session.scalar(wanted) or 0


def finish(
    session: Session,
    id: UUID,
    *,
    file: str,
    rows: int,
    size: int,
    expires_at: datetime,
    now: datetime,
) -> None:
    """Notes the file that a request has got."""
    values: dict[str, Any] = {"file": file, "rows": rows, "size": size}
    session.execute(
        update(DataRequest)
        .where(DataRequest.id == id)
        .values(**values, expires_at=expires_at, updated_at=now)
        .execution_options(synchronize_session=False)
    )


def expired(session: Session, *, now: datetime, most: int) -> list[tuple[UUID, str]]:
    """Requests whose files are kept no longer, each with the file."""
    wanted = (
        select(DataRequest.id, DataRequest.file)
        .where(DataRequest.expires_at <= now, DataRequest.file.is_not(None))
        .order_by(DataRequest.expires_at)
        .limit(most)
    )
    return [(id, file) for id, file in session.execute(wanted) if file is not None]


def forget_file(session: Session, id: UUID, file: str) -> None:
    """Notes that the file is gone."""
    session.execute(
        update(DataRequest)
        .where(DataRequest.id == id, DataRequest.file == file)
        .values(file=None)
        .execution_options(synchronize_session=False)
    )


def _of(reducible: Reducible, visible: Visible) -> Any:
    wanted = (
        select(DataRequest, Run)
        .join(Run, Run.id == DataRequest.run_id)
        .where(
            DataRequest.exportable_type == reducible.type,
            DataRequest.exportable_id == reducible.id,
            among(DataRequest.requested_data, visible.kinds, member=Text),
        )
    )
    return wanted.where(DataRequest.is_public) if visible.only_public else wanted
