"""What forms of extractors and reducers offer to choose from, and to try them on."""

from collections.abc import Iterable, Sequence

from caesar_web.domain import answers
from caesar_web.domain.classification import Classification
from caesar_web.domain.tasks import Task
from caesar_web.store.configuration import Extractor, Reducer
from caesar_web.web.option_fields import Offered
from caesar_web.web.part_forms import BY_USER, Samples


def offered(
    tasks: Sequence[Task], *, extractors: Iterable[Extractor] = (), reducers: Iterable[Reducer] = ()
) -> Offered:
    """What a workflow or project has to choose from."""
    extractors, reducers = list(extractors), list(reducers)
    fields = (
        f"{one.key}.{name}"
        for one in extractors
        for name in answers.of_extractor(one.type, one.config, tasks)
    )
    return Offered(
        tasks={task.key: _words(task) for task in tasks},
        survey_choices={
            answer.value: f"{answer.label} ({answer.value})"
            for task in tasks
            if task.kind == "survey"
            for answer in task.answers
        },
        extractors={one.key: one.key for one in extractors},
        reducers_of_users={one.key: one.key for one in reducers if one.topic == BY_USER},
        reducers_of_subjects={one.key: one.key for one in reducers if one.topic != BY_USER},
        fields=tuple(dict.fromkeys(fields)),
    )


def classifications(latest: Iterable[Classification]) -> Samples:
    """For extractors."""
    words = {str(one.id): f"{one.id}: subject {one.subject.id}, {_who(one)}" for one in latest}
    return Samples("classification", words)


def targets(latest: Iterable[Classification], topic: str) -> Samples:
    """For reducers: whom or what the latest classifications were of."""
    if topic == BY_USER:
        ids: Iterable[int | None] = (one.user_id for one in latest)
    else:
        ids = (one.subject.id for one in latest)
    noun = "volunteer" if topic == BY_USER else "subject"
    return Samples(noun, {str(id): f"{noun} {id}" for id in ids if id is not None})


def _who(one: Classification) -> str:
    by = "somebody not signed in" if one.user_id is None else f"volunteer {one.user_id}"
    return f"by {by}, {one.created_at:%-d %b %Y, %H:%M} UTC"


def _words(task: Task) -> str:
    asked = f"{task.key}: {task.question}" if task.question else task.key
    return f"{asked} ({task.kind})"
