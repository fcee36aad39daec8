"""What this process remembers of Panoptes' answers: for a while, and so much at most."""

from datetime import timedelta

from caesar_web.access.remembering import MOST_ANSWERS, Memory
from tests.factories import START


def test_memory_is_bounded() -> None:
    memory, later = Memory(), START + timedelta(minutes=1)
    for number in range(3 * MOST_ANSWERS):
        memory.keep(number, "answer", now=START, until=later)
    assert len(memory._kept) == MOST_ANSWERS
    newest = 3 * MOST_ANSWERS - 1
    assert memory.find(newest, now=START) == "answer"
    assert memory.find(newest, now=later) is None
    memory.keep("new", "answer", now=later, until=later + timedelta(minutes=1))
    assert len(memory._kept) == 1
