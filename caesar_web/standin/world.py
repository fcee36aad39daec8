"""The stand-in's world: people, projects, workflows, subjects and what became of them, in memory.

Nothing of it is written to disk: a restart of the stand-in, like a reset, begins with the seeded
world again. Only the key that signs tokens is kept, so that tokens survive a restart.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from caesar_web.standin.classifications import Classifications

JSON = dict[str, Any]
EDITING_ROLES = frozenset({"owner", "collaborator"})
COLLECTION_ROLES = EDITING_ROLES | {"contributor"}
RETIREMENT_REASONS = (
    "classification_count",
    "flagged",
    "nothing_here",
    "consensus",
    "other",
    "human",
)
SEEDED_AT = "2026-01-01T00:00:00.000Z"


@dataclass
class User:
    """An account; those that may be picked at login have a `role`, and `about` says what it is."""

    id: int
    login: str
    display_name: str
    admin: bool = False
    about: str = ""
    role: str = ""


@dataclass
class Project:
    id: int
    display_name: str
    slug: str
    owner_id: int
    private: bool = False
    roles: dict[int, set[str]] = field(default_factory=dict)

    def has_role(self, user: User | None, roles: frozenset[str]) -> bool:
        return user is not None and not roles.isdisjoint(self.roles.get(user.id, ()))


@dataclass
class Workflow:
    id: int
    project_id: int
    display_name: str
    version: str
    tasks: JSON
    configuration: JSON
    retirement: JSON


@dataclass
class SubjectSet:
    id: int
    project_id: int
    display_name: str
    workflow_ids: list[int]
    subject_ids: dict[int, None] = field(default_factory=dict)


@dataclass
class Collection:
    id: int
    display_name: str
    slug: str
    owner_id: int
    project_ids: list[int]
    roles: dict[int, set[str]]
    subject_ids: dict[int, None] = field(default_factory=dict)


@dataclass
class Subject:
    id: int
    project_id: int
    metadata: JSON
    locations: list[dict[str, str]]  # paths of the stand-in itself


@dataclass
class Preference:
    """What a volunteer was assigned in a project: `settings.workflow_id` is their workflow."""

    id: int
    user_id: int
    project_id: int
    settings: JSON
    preferences: JSON = field(default_factory=dict)
    email_communication: bool | None = None
    updated_at: str = SEEDED_AT


@dataclass
class Status:
    """What became of a subject in a workflow."""

    id: int
    workflow_id: int
    subject_id: int
    retired_at: str | None
    retirement_reason: str | None


@dataclass
class World:
    """Everything that the API reads and changes. Whoever touches it holds the lock of `State`."""

    classifications: Classifications
    users: dict[int, User] = field(default_factory=dict)
    projects: dict[int, Project] = field(default_factory=dict)
    workflows: dict[int, Workflow] = field(default_factory=dict)
    subject_sets: dict[int, SubjectSet] = field(default_factory=dict)
    collections: dict[int, Collection] = field(default_factory=dict)
    subjects: dict[int, Subject] = field(default_factory=dict)
    preferences: dict[int, Preference] = field(default_factory=dict)
    statuses: dict[tuple[int, int], Status] = field(default_factory=dict)

    def user_by_login(self, login: str) -> User | None:
        return next((user for user in self.users.values() if user.login == login), None)

    def sets_of_workflow(self, workflow_id: int) -> Iterator[SubjectSet]:
        for subject_set in self.subject_sets.values():
            if workflow_id in subject_set.workflow_ids:
                yield subject_set

    def subjects_of_workflow(self, workflow_id: int) -> set[int]:
        found: set[int] = set()
        for subject_set in self.sets_of_workflow(workflow_id):
            found.update(subject_set.subject_ids)
        return found

    def preference_of(self, user_id: int, project_id: int) -> Preference | None:
        for preference in self.preferences.values():
            if (preference.user_id, preference.project_id) == (user_id, project_id):
                return preference
        return None

    def retire(self, workflow_id: int, subject_id: int, *, reason: str | None, at: str) -> None:
        """Retires a subject of the workflow; the first reason wins, others are let be."""
        if not any(subject_id in row.subject_ids for row in self.sets_of_workflow(workflow_id)):
            return
        status = self.statuses.get((workflow_id, subject_id))
        if status is None:
            status = Status(len(self.statuses) + 1, workflow_id, subject_id, None, None)
            self.statuses[workflow_id, subject_id] = status
        if status.retired_at is None:
            status.retired_at, status.retirement_reason = at, reason

    def unretire(self, workflow_id: int, subject_id: int) -> None:
        """Puts a subject back among those to classify."""
        if status := self.statuses.get((workflow_id, subject_id)):
            status.retired_at = status.retirement_reason = None
