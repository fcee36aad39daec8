"""Exports as the caller may have them: asking, stopping, what they see of others', and files."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from caesar_web.access import parts, trail
from caesar_web.access.identity import identity
from caesar_web.access.membership import may_touch
from caesar_web.access.permissions import Hidden, NotAllowed, Place
from caesar_web.domain.exports import EXPORTS, Export
from caesar_web.jobs import queues, tasks
from caesar_web.pipeline import exporting
from caesar_web.store import data_request_statements as data_requests
from caesar_web.store import queries, run_statements
from caesar_web.store.configuration import Project
from caesar_web.store.data_request_statements import Asked, Visible
from caesar_web.store.queries import reading
from caesar_web.store.runs import DataRequest
from caesar_web.store.snapshot import Reducible

SALT = "the file of a data request"


@dataclass(frozen=True)
class Exportable:
    """A workflow or project, and what of it the caller may export."""

    reducible: Reducible
    project_id: int
    name: str
    is_member: bool
    public: frozenset[str]

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(EXPORTS) if self.is_member else self.public

    @property
    def visible(self) -> Visible:
        return Visible(self.kinds, only_public=not self.is_member)


def of_workflow(found: Place) -> Exportable:
    """A workflow that the caller may see something of."""
    flags = {name for name in ("public_extracts", "public_reductions") if getattr(found, name)}
    return Exportable(
        Reducible("Workflow", found.workflow_id),
        found.project_id,
        found.name or f"Workflow {found.workflow_id}",
        may_touch(found.project_id),
        _public(flags),
    )


def of_project(project_id: int) -> Exportable:
    """A project that is here: with a workflow, or by itself. Raises Hidden."""
    is_member = may_touch(project_id)
    with reading() as session:
        project = session.get(Project, project_id)
        workflows = queries.workflows(session, project_ids=[project_id])
        if project is None and not workflows:
            raise Hidden("Project", project_id)
        name = (workflows and workflows[0].project_name) or f"Project {project_id}"
        is_open = project is not None and project.public_reductions
    public = _public({"public_reductions"} if is_open else set())
    return Exportable(Reducible("Project", project_id), project_id, name, is_member, public)


def find(exportable: Exportable, request_id: str) -> Asked:
    """One of the requests that the caller may see. Raises NotFound."""
    with reading() as session:
        found = _found(session, exportable, request_id)
        session.expunge_all()
    return found


def ask(exportable: Exportable, export: Export) -> UUID:
    """Begins an export. Raises NotAllowed, and TooMany."""
    who, reducible = trail.who(), exportable.reducible
    if export.kind not in exportable.kinds:
        trail.refused("ask for data", status=NotAllowed.code)
        raise NotAllowed
    with tasks.transaction() as session:
        started = exporting.ask(
            session,
            reducible,
            export,
            by=who["actor"],
            by_id=who["actor_id"],
            is_public=export.kind in exportable.public,
            now=parts.now(),
        )
        trail.note(session, "asked for data", about=export.kind, **_where(exportable))
    queues.ring_run(parts.config().redis_url, started.run_id)
    return started.request_id


def again(exportable: Exportable, request_id: str) -> UUID:
    """Asks once more for the same. Raises NotFound, NotAllowed and TooMany."""
    return ask(exportable, find(exportable, request_id).export)


def cancel(exportable: Exportable, request_id: str) -> bool:
    """Stops an export, as a member or as whoever asked for it; False where it was over."""
    now, caller = parts.now(), identity()
    with tasks.transaction() as session:
        found = _found(session, exportable, request_id)
        is_own = caller is not None and found.run.started_by_id == caller.user_id
        if not (exportable.is_member or is_own):
            raise NotAllowed
        stopped = run_statements.stop(session, found.run.id, now=now)
        if stopped:
            about = found.request.requested_data
            trail.note(session, "stopped an export", about=about, **_where(exportable))
    return stopped


def has_file(asked: Asked, *, now: datetime) -> bool:
    """Whether there is something to download."""
    request = asked.request
    is_kept = request.expires_at is not None and request.expires_at > now
    return asked.run.status == "finished" and request.file is not None and is_kept


def sign(request: DataRequest) -> str:
    """What opens the file of a request to anybody, for as long as the file is kept."""
    ends_at = int(request.expires_at.timestamp()) if request.expires_at else 0
    token: str = _serializer().dumps([str(request.id), ends_at])
    return token


def signed_file(token: str) -> DataRequest:
    """The request whose file the token opens. Raises NotFound."""
    try:
        id, ends_at = _serializer().loads(token)
    except BadSignature:
        raise NotFound from None
    now = parts.now()
    with reading() as session:
        request = data_requests.get(session, UUID(id))
        if request is None or request.file is None or request.expires_at is None:
            raise NotFound
        if now.timestamp() >= ends_at or now >= request.expires_at:
            raise NotFound
        session.expunge(request)
        return request


def _found(session: Session, exportable: Exportable, request_id: str) -> Asked:
    try:
        id = UUID(request_id)
    except ValueError:
        raise NotFound from None
    found = data_requests.find(session, exportable.reducible, exportable.visible, id)
    if found is None:
        raise NotFound
    return found


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(parts.config().secret_key, salt=SALT)


def _public(flags: set[str]) -> frozenset[str]:
    return frozenset(name for name, kind in EXPORTS.items() if kind.public in flags)


def _where(exportable: Exportable) -> dict[str, int]:
    if exportable.reducible.type == "Workflow":
        return {"workflow_id": exportable.reducible.id}
    return {"project_id": exportable.project_id}
