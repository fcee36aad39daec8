"""The classifications that were posted to the stand-in, up to a bound, as the API shows them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

BOUND = 200_000


class MalformedClassification(ValueError):
    """A row that is not of the API's shape. The text says what is missing."""


@dataclass(frozen=True, slots=True)
class Row:
    """One classification: what it is found by, and its text, which is smaller than its objects."""

    id: int
    project_id: int
    workflow_id: int
    user_id: int | None
    subject_ids: tuple[int, ...]
    text: bytes

    def as_json(self) -> dict[str, Any]:
        document: dict[str, Any] = orjson.loads(self.text)
        return document


@dataclass(frozen=True, kw_only=True)
class Query:
    """Which classifications are asked for; None asks for any."""

    project_ids: frozenset[int] | None = None
    workflow_ids: frozenset[int] | None = None
    subject_ids: frozenset[int] | None = None
    user_ids: frozenset[int] | None = None
    after_id: int | None = None

    def admits(self, row: Row) -> bool:
        return (
            (self.project_ids is None or row.project_id in self.project_ids)
            and (self.workflow_ids is None or row.workflow_id in self.workflow_ids)
            and (self.user_ids is None or row.user_id in self.user_ids)
            and (self.subject_ids is None or not self.subject_ids.isdisjoint(row.subject_ids))
            and (self.after_id is None or row.id > self.after_id)
        )


class Classifications:
    """Rows in the order in which they arrived; the oldest go when there are more than `bound`."""

    def __init__(self, bound: int = BOUND) -> None:
        self._bound = bound
        self._rows: dict[int, Row] = {}
        self._by_subject: dict[int, dict[int, None]] = defaultdict(dict)
        self._by_user: dict[int, dict[int, None]] = defaultdict(dict)
        self._per_workflow: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, documents: Iterable[Any]) -> int:
        """Keeps the documents, all or none; one with a known id takes the place of the old one."""
        rows = [parse(document) for document in documents]
        for row in rows:
            self._forget(row.id)
            self._rows[row.id] = row
            self._per_workflow[row.workflow_id] += 1
            for subject_id in row.subject_ids:
                self._by_subject[subject_id][row.id] = None
            if row.user_id is not None:
                self._by_user[row.user_id][row.id] = None
        while len(self._rows) > self._bound:
            self._forget(next(iter(self._rows)))
        return len(rows)

    def find(self, query: Query) -> Iterator[Row]:
        """The rows that the query admits; their order means nothing, as in Panoptes."""
        return (row for row in self._candidates(query) if query.admits(row))

    def count_in(self, workflow_id: int) -> int:
        return self._per_workflow[workflow_id]

    def count_of(self, workflow_id: int, *, subject_id: int) -> int:
        workflow, subject = frozenset({workflow_id}), frozenset({subject_id})
        return sum(1 for _ in self.find(Query(workflow_ids=workflow, subject_ids=subject)))

    def _candidates(self, query: Query) -> Iterator[Row]:
        index, keys = self._by_subject, query.subject_ids
        if keys is None:
            index, keys = self._by_user, query.user_ids
        if keys is None:
            yield from self._rows.values()
            return
        ids = dict.fromkeys(row_id for key in keys for row_id in index.get(key, ()))
        yield from (self._rows[row_id] for row_id in ids)

    def _forget(self, row_id: int) -> None:
        row = self._rows.pop(row_id, None)
        if row is None:
            return
        self._per_workflow[row.workflow_id] -= 1
        for subject_id in row.subject_ids:
            _drop(self._by_subject, subject_id, row_id)
        if row.user_id is not None:
            _drop(self._by_user, row.user_id, row_id)


def _drop(index: dict[int, dict[int, None]], key: int, row_id: int) -> None:
    index[key].pop(row_id, None)
    if not index[key]:
        del index[key]


def parse(document: Any) -> Row:
    """The row of a document of the API's shape, or of an event's `data`; other members go."""
    try:
        return _row(document)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        name = f"{type(problem).__name__}: {problem}"
        raise MalformedClassification(f"Not a classification ({name})") from None


def _row(document: Any) -> Row:
    links = document["links"]
    classification_id, project_id = int(document["id"]), int(links["project"])
    workflow_id = int(links["workflow"])
    user_id = None if links.get("user") is None else int(links["user"])
    subject_ids = tuple(int(subject) for subject in links["subjects"])
    shown = {
        "id": str(classification_id),
        "annotations": document["annotations"],
        "created_at": document["created_at"],
        "updated_at": document.get("updated_at", document["created_at"]),
        "metadata": document["metadata"],
        "href": f"/classifications/{classification_id}",
        "links": {
            "project": str(project_id),
            "user": None if user_id is None else str(user_id),
            "user_group": None,
            "workflow": str(workflow_id),
            "subjects": [str(subject_id) for subject_id in subject_ids],
        },
    }
    return Row(
        id=classification_id,
        project_id=project_id,
        workflow_id=workflow_id,
        user_id=user_id,
        subject_ids=subject_ids,
        text=bytes(memoryview(orjson.dumps(shown))),  # a copy: the buffer it came in is larger
    )
