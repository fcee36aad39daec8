"""Lists of ids as people paste them: what is tolerated, and what is named with its line."""

import pytest

from caesar_web.domain.id_lists import MOST_IDS, BadList, decoded, read_ids


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", []),
        (" \r\n\r\n", []),
        ("12", [12]),
        ("12, 13;14 15\t16\n17", [12, 13, 14, 15, 16, 17]),
        ("12\r\n13\r\n\r\n12\r\n", [12, 13]),
        ("12\r13", [12, 13]),
        ("\ufeffsubject_id\r\n12\r\n", [12]),
        ("\n\nSubject ID\n12", [12]),
        ('"subject_id"\n"12"\n\'13\'', [12, 13]),
        ("12,\n13,", [12, 13]),
        (str(10**17), [10**17]),
    ],
)
def test_what_is_read(text: str, ids: list[int]) -> None:
    assert read_ids(text) == ids


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("12\nlion", "Line 2: lion is not an id."),
        ("id\n12\nid", "Line 3: id is not an id."),
        ("id 12", "Line 1: id is not an id."),
        ("12\r\n\r\n-3", "Line 3: -3 is not an id."),
        ("0", "Line 1: 0 is not an id."),
        ("1.5", "Line 1: 1.5 is not an id."),
        (str(2**63), f"Line 1: {2**63} is not an id."),
        ("x" * 50 + "1", f"Line 1: {'x' * 40}… is not an id."),
    ],
)
def test_a_bad_line_is_named(text: str, says: str) -> None:
    with pytest.raises(BadList) as raised:
        read_ids(text)
    assert str(raised.value) == says


def test_not_more_than_so_many() -> None:
    ids = "\n".join(map(str, range(1, MOST_IDS + 1)))
    assert len(read_ids(ids)) == MOST_IDS
    assert len(read_ids(f"{ids}\n1\n2")) == MOST_IDS
    with pytest.raises(BadList, match="more than 100,000"):
        read_ids(f"{ids}\n{MOST_IDS + 1}")


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_of_spreadsheets(coding: str) -> None:
    assert read_ids(decoded("subject_id\r\n12\r\n".encode(coding))) == [12]


def test_what_is_no_text() -> None:
    with pytest.raises(BadList, match="not a text file"):
        decoded(b"\x89PNG\r\n")
