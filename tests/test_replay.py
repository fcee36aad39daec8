"""Replaying files: both formats, bad lines, batches, and flat memory."""

import csv
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caesar_web.classification_export import labels_of
from caesar_web.replay import BadLine, Replayed, replay

COLUMNS = (
    *("classification_id", "user_name", "user_id", "user_ip", "workflow_id", "workflow_name"),
    *("workflow_version", "created_at", "gold_standard", "expert", "metadata", "annotations"),
    *("subject_data", "subject_ids"),
)
ROW = {
    "classification_id": "15563067",
    "user_name": "volunteer-1234",
    "user_id": "1234",
    "user_ip": "5f2a9d",
    "workflow_id": "338",
    "workflow_name": "Survey",
    "workflow_version": "1045.89",
    "created_at": "2016-08-16 12:28:51 UTC",
    "gold_standard": "",
    "expert": "",
    "metadata": json.dumps({"source": "api", "finished_at": "2016-08-16T12:28:50.513Z"}),
    "annotations": json.dumps(
        [{"task": "T0", "value": [{"choice": "VHCL", "answers": {}, "filters": {}}]}]
    ),
    "subject_data": json.dumps({"802881": {"retired": None, "camera": "D73", "year": "2014"}}),
    "subject_ids": "802881",
}


def export(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def made(id: int) -> dict[str, Any]:
    return {"source": "panoptes", "type": "classification", "data": {"id": str(id)}, "linked": {}}


def lines(*values: Any) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


class Posted:
    def __init__(self) -> None:
        self.batches: list[list[dict[str, Any]]] = []

    def __call__(self, events: list[dict[str, Any]]) -> None:
        self.batches.append(list(events))

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for batch in self.batches for event in batch]


@pytest.fixture
def posted() -> Posted:
    return Posted()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "classifications"


def test_events_and_payloads_are_posted_in_order_and_in_batches(file: Path, posted: Posted) -> None:
    file.write_text(lines(made(1), {"payload": [made(2), made(3), made(4)]}, {"payload": []}))
    file.write_text(file.read_text() + "\n   \n" + json.dumps(made(5)))  # no newline at the end
    replayed = replay(file, posted, batch=2, progress=False)
    assert posted.batches == [[made(1), made(2)], [made(3), made(4)], [made(5)]]
    assert (replayed.events, replayed.batches, replayed.bad_lines) == (5, 3, 0)


def test_the_rate_is_that_of_the_whole_replay(file: Path, posted: Posted) -> None:
    file.write_text(lines(*map(made, range(50))))
    moments = iter([10.0, 12.5])
    replayed = replay(file, posted, progress=False, now=lambda: next(moments))
    assert (replayed.seconds, replayed.rate) == (2.5, 20.0)
    assert Replayed(events=0, batches=0, bad_lines=0, seconds=0.0).rate == 0.0


def test_an_empty_file_posts_nothing(file: Path, posted: Posted) -> None:
    file.write_text("")
    assert replay(file, posted, progress=False).events == 0
    assert posted.batches == []


def test_a_row_of_the_export_becomes_an_event(file: Path, posted: Posted) -> None:
    file.write_text(export(ROW))
    replay(file, posted, progress=False, project_id=593)
    assert posted.events == [
        {
            "source": "panoptes",
            "type": "classification",
            "version": "1.0.0",
            "timestamp": "2016-08-16T12:28:51Z",
            "data": {
                "id": "15563067",
                "created_at": "2016-08-16T12:28:51.000Z",
                "updated_at": "2016-08-16T12:28:51.000Z",
                "workflow_version": "1045.89",
                "gold_standard": None,
                "expert_classifier": None,
                "annotations": json.loads(ROW["annotations"]),
                "metadata": {
                    "source": "api",
                    "finished_at": "2016-08-16T12:28:50.513Z",
                    "workflow_version": "1045.89",
                },
                "href": "/classifications/15563067",
                "links": {
                    "project": "593",
                    "user": "1234",
                    "workflow": "338",
                    "subjects": ["802881"],
                },
            },
            "linked": {
                "projects": [
                    {
                        "id": "593",
                        "display_name": None,
                        "created_at": None,
                        "updated_at": None,
                        "href": "/projects/593",
                    }
                ],
                "workflows": [
                    {
                        "id": "338",
                        "display_name": "Survey",
                        "retirement": None,
                        "created_at": None,
                        "updated_at": None,
                        "href": "/workflows/338",
                    }
                ],
                "subjects": [
                    {
                        "id": "802881",
                        "locations": [],
                        "metadata": {"camera": "D73", "year": "2014"},
                        "created_at": None,
                        "updated_at": None,
                        "href": "/subjects/802881",
                    }
                ],
                "users": [{"id": "1234", "login": "volunteer-1234", "href": "/users/1234"}],
            },
        }
    ]


def test_a_blank_user_is_anonymous(file: Path, posted: Posted) -> None:
    file.write_text(export({**ROW, "user_id": "", "user_name": "not-logged-in-5f2a9d"}))
    replay(file, posted, progress=False, project_id=593)
    (event,) = posted.events
    assert event["data"]["links"]["user"] is None
    assert "users" not in event["linked"]


@pytest.mark.parametrize(
    ("changed", "path", "expected"),
    [
        ({"user_id": "1234.0"}, "data.links.user", "1234"),
        ({"gold_standard": "true"}, "data.gold_standard", True),
        ({"expert": "owner"}, "data.expert_classifier", "owner"),
        ({"subject_ids": "802881;7", "subject_data": "{}"}, "data.links.subjects", ["802881", "7"]),
        ({"created_at": "2016-08-16 12:28:51"}, "timestamp", "2016-08-16T12:28:51Z"),
        ({"created_at": "2016-08-16T14:28:51.497+02:00"}, "timestamp", "2016-08-16T12:28:51Z"),
    ],
)
def test_what_exports_write_differently(
    file: Path, posted: Posted, changed: dict[str, str], path: str, expected: Any
) -> None:
    file.write_text(export({**ROW, **changed}))
    replay(file, posted, progress=False, project_id=593)
    (found,) = posted.events
    for name in path.split("."):
        found = found[name]
    assert found == expected


def test_answer_labels_become_the_numbers_of_the_stream(file: Path, posted: Posted) -> None:
    tasks: dict[str, Any] = {
        "T0": {"type": "single", "answers": [{"label": "Yes"}, {"label": "No"}]},
        "T1": {"type": "multiple", "answers": [{"label": "a"}, {"label": "b"}, {"label": "c"}]},
        "T2": {"type": "text", "instruction": "?"},
        "T3": {"type": "combo", "tasks": ["T0", "T2"]},
    }
    written = [
        {"task": "T0", "task_label": "Galaxy?", "value": "No"},
        {"task": "T1", "task_label": "Which?", "value": ["c", "a", "z"]},
        {"task": "T2", "task_label": "Write", "value": "No"},
        {"task": "T3", "value": [{"task": "T0", "value": "Yes"}, {"task": "T2", "value": "b"}]},
        {"task": "T0", "value": None},
    ]
    file.write_text(export({**ROW, "annotations": json.dumps(written)}))
    labels = {338: labels_of(tasks)}
    replay(file, posted, progress=False, project_id=593, answer_labels=labels)
    (event,) = posted.events
    assert [one["value"] for one in event["data"]["annotations"]] == [
        1,
        [2, 0, "z"],
        "No",
        [{"task": "T0", "value": 0}, {"task": "T2", "value": "b"}],
        None,
    ]
    replay(file, posted, progress=False, project_id=593, answer_labels={339: labels_of(tasks)})
    assert posted.events[1]["data"]["annotations"] == written


def test_an_export_needs_its_project_named(file: Path, posted: Posted) -> None:
    file.write_text(export(ROW))
    with pytest.raises(ValueError, match="give project_id"):
        replay(file, posted, progress=False)


def test_a_bad_line_is_named_after_what_came_before_it_was_posted(
    file: Path, posted: Posted
) -> None:
    file.write_text(lines(made(1), made(2)) + '\n{"data": \n' + lines(made(3)))
    with pytest.raises(BadLine, match=rf"{file}, line 4: is not one whole JSON object: ") as caught:
        replay(file, posted, progress=False)
    assert (caught.value.path, caught.value.line) == (file, 4)
    assert posted.events == [made(1), made(2)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"[1, 2]", "neither an event"),
        (b'{"payload": 5}', "neither an event"),
        (b'{"payload": [{"data": {}}, 5]}', "neither an event"),
        (b'{"source": "panoptes"}', "neither an event"),
        (b"[" * 100_000, "not one whole JSON object"),
        (b'{"data": {"text": "\xff"}}', "not UTF-8"),
    ],
)
def test_bad_lines_of_events(file: Path, posted: Posted, line: bytes, reason: str) -> None:
    file.write_bytes(lines(made(1)).encode() + line + b"\n" + lines(made(2)).encode())
    told: list[BadLine] = []
    replayed = replay(file, posted, progress=False, on_bad=told.append)
    assert [bad.line for bad in told] == [2]
    assert reason in told[0].reason
    assert replayed.bad_lines == 1
    assert [event for event in posted.events if event != {"data": {}}] == [made(1), made(2)]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"classification_id": "abc"}, "classification_id is 'abc', not an id"),
        ({"classification_id": "9" * 5_000}, "classification_id is '999"),
        ({"user_id": "9223372036854775808"}, "user_id is"),
        ({"workflow_id": "0"}, "workflow_id is '0', not an id"),
        ({"subject_ids": ""}, "subject_ids is '', not an id"),
        ({"annotations": "[{"}, "annotations is not JSON"),
        ({"annotations": "{}"}, "annotations is not a list"),
        ({"metadata": "[]"}, "metadata is not an object"),
        ({"subject_data": '{"802881": 5}'}, "subject_data: what it says of 802881"),
        ({"created_at": "yesterday"}, "created_at is 'yesterday', not a time"),
        ({"gold_standard": "maybe"}, "gold_standard is 'maybe'"),
    ],
)
def test_bad_rows_of_an_export(
    file: Path, posted: Posted, changed: dict[str, str], reason: str
) -> None:
    file.write_text(export(ROW, {**ROW, **changed}, {**ROW, "classification_id": "3"}))
    told: list[BadLine] = []
    replay(file, posted, progress=False, project_id=593, on_bad=told.append)
    assert [event["data"]["id"] for event in posted.events] == ["15563067", "3"]
    assert [(bad.line, bad.reason[: len(reason)]) for bad in told] == [(3, reason)]


def test_a_row_over_several_lines_is_named_by_its_first(file: Path, posted: Posted) -> None:
    long = json.dumps([{"task": "T0", "value": "one"}], indent=2)
    bad = {**ROW, "annotations": json.dumps({"a": "b"}, indent=2)}
    file.write_text(export({**ROW, "annotations": long}, bad, ROW))
    told: list[BadLine] = []
    replay(file, posted, progress=False, project_id=593, on_bad=told.append)
    assert [bad_line.line for bad_line in told] == [2 + len(long.splitlines())]
    assert posted.events[0]["data"]["annotations"] == json.loads(long)
    assert len(posted.events) == 2


def test_a_short_row_and_one_that_is_not_utf8_are_bad(file: Path, posted: Posted) -> None:
    head, good = export(ROW).encode().splitlines(keepends=True)
    file.write_bytes(head + b"1,2\r\n" + good.replace(b"D73", b"D\xe9") + b"\r\n" + good)
    told: list[BadLine] = []
    replay(file, posted, progress=False, project_id=593, on_bad=told.append)
    assert [(bad.line, bad.reason[:11]) for bad in told] == [(2, "has 2 colum"), (3, "is not UTF-")]
    assert len(posted.events) == 1


def test_a_file_of_neither_kind_is_refused_even_when_bad_lines_are_skipped(
    file: Path, posted: Posted
) -> None:
    file.write_text("name,age\nada,36\n")
    with pytest.raises(BadLine, match="line 1: is no head of a classification export, without cl"):
        replay(file, posted, progress=False, project_id=1, on_bad=lambda bad: None)


def test_a_byte_order_mark_and_other_columns_do_not_matter(file: Path, posted: Posted) -> None:
    columns = ("extra", *reversed(COLUMNS))
    file.write_text(export({**ROW, "extra": "x"}, columns=columns), encoding="utf-8-sig")
    assert replay(file, posted, progress=False, project_id=593).events == 1
    file.write_text(lines(made(1)), encoding="utf-8-sig")
    assert replay(file, posted, progress=False).events == 1


def test_large_fields_are_read_and_the_limit_of_csv_is_left_as_it_was(
    file: Path, posted: Posted
) -> None:
    before = csv.field_size_limit()
    large = json.dumps([{"task": "T0", "value": "x" * (2 * before)}])
    file.write_text(export({**ROW, "annotations": large}))
    replay(file, posted, progress=False, project_id=593)
    assert posted.events[0]["data"]["annotations"] == json.loads(large)
    file.write_text(export({**ROW, "annotations": "{"}))
    with pytest.raises(BadLine):
        replay(file, posted, progress=False, project_id=593)
    assert csv.field_size_limit() == before


def test_a_quote_that_is_never_closed_does_not_swallow_the_file(
    file: Path, posted: Posted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caesar_web.replay.LONGEST_FIELD", 5_000)
    head, good = export(ROW).splitlines(keepends=True)
    unquoted = "neither quotes, nor columns\r\n" * 400
    file.write_text(head + good + '"1,2\r\n' + unquoted + good * 3, newline="")
    told: list[BadLine] = []
    replayed = replay(file, posted, progress=False, project_id=593, on_bad=told.append)
    assert (told[0].line, told[0].reason[:11]) == (3, "is not CSV:")
    assert replayed.events == 4


def test_a_line_that_never_ends_is_bad_and_passed_over(
    file: Path, posted: Posted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caesar_web.replay.LONGEST_LINE", 200)
    file.write_text(lines(made(1), {"data": {"text": "x" * 900}}, made(2)))
    told: list[BadLine] = []
    replay(file, posted, progress=False, on_bad=told.append)
    assert [(bad.line, bad.reason) for bad in told] == [(2, "is longer than 200 bytes")]
    assert posted.events == [made(1), made(2)]


def test_a_post_that_fails_ends_the_replay(file: Path) -> None:
    file.write_text(lines(*map(made, range(5))))

    def refuse(events: list[dict[str, Any]]) -> None:
        raise ConnectionError("away")

    with pytest.raises(ConnectionError, match="away"):
        replay(file, refuse, progress=False)


def test_memory_stays_flat(file: Path) -> None:
    with file.open("w") as out:
        out.write(export())
        row = export({**ROW, "metadata": json.dumps({"text": "x" * 20_000})}).splitlines()[1]
        for _ in range(1_000):
            out.write(row + "\r\n")
    tracemalloc.start()
    try:
        replayed = replay(file, lambda events: None, progress=False, project_id=593)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert replayed.events == 1_000
    assert file.stat().st_size > 20_000_000
    assert peak < 8_000_000


def test_progress_is_shown_by_bytes(
    file: Path, posted: Posted, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(lines(*map(made, range(50))))
    replay(file, posted, progress=True)
    shown = capsys.readouterr().err
    assert "100%" in shown
    assert f"{file.stat().st_size / 1000:.2f}k" in shown
    replay(file, posted, progress=False)
    assert capsys.readouterr().err == ""


anything = st.lists(
    st.one_of(
        st.binary(max_size=40), st.just(json.dumps(made(1)).encode()), st.just(b'{"data":{}}')
    )
)


@given(anything, st.integers(1, 5))
def test_no_file_breaks_a_replay_that_goes_on(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], batch: int
) -> None:
    file = tmp_path_factory.getbasetemp() / "anything"
    file.write_bytes(b"{}\n" + b"\n".join(parts))
    posted, told = Posted(), list[BadLine]()
    replayed = replay(file, posted, batch=batch, progress=False, on_bad=told.append)
    assert (replayed.events, replayed.bad_lines) == (len(posted.events), len(told))
    assert all(1 <= len(group) <= batch for group in posted.batches)
    assert replayed.events >= sum(part.startswith(b'{"') for part in parts)


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_any_text_survives_the_export(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    file = tmp_path_factory.getbasetemp() / "texts.csv"
    annotations = [{"task": "T0", "value": text} for text in texts]
    written = export({**ROW, "annotations": json.dumps(annotations, ensure_ascii=True)})
    file.write_bytes(written.encode())
    posted = Posted()
    replay(file, posted, progress=False, project_id=1)
    assert posted.events[0]["data"]["annotations"] == annotations
