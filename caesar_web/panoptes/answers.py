"""The labels of a workflow's answers: exports write them where the stream has numbers."""

from collections.abc import Iterator, Mapping, Sequence

from caesar_web.classification_export import labels_of
from caesar_web.panoptes.client import Panoptes

Labels = Mapping[str, Sequence[str]]


class AnswerLabels(Mapping[int, Labels]):
    """By workflow and task, asked of Panoptes when first wanted. Raises PanoptesError."""

    def __init__(self, panoptes: Panoptes) -> None:
        self._panoptes = panoptes
        self._known: dict[int, Labels] = {}

    def __getitem__(self, workflow_id: int) -> Labels:
        if workflow_id not in self._known:
            tasks = self._panoptes.workflow(workflow_id).get("tasks")
            self._known[workflow_id] = labels_of(tasks if isinstance(tasks, Mapping) else {})
        return self._known[workflow_id]

    def __iter__(self) -> Iterator[int]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)
