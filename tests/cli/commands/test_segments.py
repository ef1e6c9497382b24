"""`cooee segments`, as people and as machines use it."""

import json

import pytest

CURLY = "It’s a text that would fit one segment if it were not for the apostrophe in it."  # noqa: RUF001 -- it is the point


def as_json(said):
    assert (said.returncode, said.stderr) == (0, "")
    return [json.loads(line) for line in said.stdout.splitlines()]


def test_a_person_sees_what_costs_and_what_would_save(cooee):
    said = cooee("segments", CURLY)
    assert said.returncode == 0
    assert said.stdout.startswith("UCS-2, 2 segments\n")
    assert "not in GSM-7: ’ (U+2019)" in said.stdout  # noqa: RUF001 -- as above
    assert "To need 1, write it with plain characters: It's a text" in said.stdout
    assert cooee("segments", "hello").stdout.startswith("GSM-7, 1 segment\n")
    assert "count double: € (U+20AC)" in cooee("segments", "5 €").stdout
    assert "U+200B" in cooee("segments", "zero\u200bwidth").stdout


def test_a_text_is_a_line_of_json(cooee):
    assert as_json(cooee("segments", "hello", "--json")) == [
        {"encoding": "GSM-7", "segments": 1, "parts": ["hello"]}
    ]
    [long] = as_json(cooee("segments", "--json", "ç" * 71))
    assert list(long) == ["encoding", "segments", "parts"]
    assert (long["encoding"], long["segments"]) == ("UCS-2", 2)
    assert long["parts"] == ["ç" * 67, "ç" * 4]


TEXTS = ["hello", "", "two\nlines", "😀" * 36, '"quoted" \\ {', "\ud83d", "x" * 161, "a\u2028b"]


@pytest.mark.parametrize("given", ["file", "stdin", "dash", "file dash"])
def test_each_line_of_json_strings_is_answered_by_a_line(cooee, tmp_path, given):
    lines = "\n".join(json.dumps(text) for text in TEXTS) + "\n\n"
    (tmp_path / "texts.jsonl").write_text(lines)
    args = {"file": ["--file", "texts.jsonl"], "dash": ["-"], "file dash": ["--file", "-"]}
    said = cooee("segments", "--json", *args.get(given, []), stdin=lines)
    found = as_json(said)
    assert ["".join(one["parts"]) for one in found] == TEXTS
    assert [one["segments"] for one in found] == [1, 1, 1, 2, 1, 1, 2, 1]
    assert all(one["segments"] == len(one["parts"]) for one in found)


def test_without_json_a_file_is_one_text(cooee, tmp_path):
    (tmp_path / "text.txt").write_text("one\ntwo\n")
    said = cooee("segments", "--file", "text.txt")
    assert said.stdout.startswith("GSM-7, 1 segment\n")
    assert "7  " in said.stdout.splitlines()[2]
    assert cooee("segments", "-", stdin="x" * 161).stdout.startswith("GSM-7, 2 segments\n")


@pytest.mark.parametrize("line", ["hello", "5", "null", '["a"]', '"open'])
def test_a_line_that_is_no_string_is_named(cooee, line):
    said = cooee("segments", "--json", stdin=f'"good"\n{line}\n')
    assert said.returncode == 2
    assert len(said.stdout.splitlines()) == 1
    assert f"Line 2 is no JSON string: {line}" in said.stderr


def test_what_cannot_be_read_is_named(cooee, tmp_path):
    said = cooee("segments", "--file", "nowhere.txt")
    assert (said.returncode, "nowhere.txt cannot be read" in said.stderr) == (2, True)
    (tmp_path / "latin.txt").write_bytes("café".encode("latin-1"))
    said = cooee("segments", "--file", "latin.txt")
    assert (said.returncode, "latin.txt cannot be read" in said.stderr) == (2, True)
    assert cooee("segments", "text", "--file", "latin.txt").returncode == 2
