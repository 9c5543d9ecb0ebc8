"""Rows of files as points: CSV, JSON Lines, Parquet and standard input."""

import os
from datetime import date
from pathlib import Path

import pytest

from batchrun.sweep.points.table_source import shown_columns
from tests.sweep.conftest import Complainer, Planner, arguments, sweep

TABLE = 'id,n,x\n007,1,1.50\n008,,2.5\n"a, b",3,\n'


class TestRows:
    """What becomes of the cells."""

    def read(self, planned: Planner, more: str, args: str = '["{{t.id}} {{t.n}} {{t.x}}"]') -> list[str]:
        return [one for (one,) in arguments(planned(sweep(f'[axes.t]\nfile = "t.csv"\n{more}', args=args)))]

    def test_text_stays_and_empty_text_is_text(self, planned: Planner, tmp_path: Path) -> None:
        (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbf" + TABLE.encode())
        assert self.read(planned, "") == ["007 1 1.50", "008  2.5", "a, b 3 "]

    def test_missing_fills_what_is_empty(self, planned: Planner, tmp_path: Path) -> None:
        (tmp_path / "t.csv").write_text(TABLE, "utf-8")
        typed = 'types = { n = "int", x = "float" }\nmissing = { n = 0, x = 9.50 }\n'
        assert self.read(planned, typed) == ["007 1 1.50", "008 0 2.5", "a, b 3 9.50"]

    def test_columns_are_chosen_renamed_and_tested(self, planned: Planner, tmp_path: Path) -> None:
        (tmp_path / "t.csv").write_text(TABLE.replace("id,", "the id,"), "utf-8")
        more = 'rename = { "the id" = "id" }\ncolumns = ["id"]\nwhere = { id = { glob = "00*" } }\n'
        assert self.read(planned, more, '["{{t.id}}"]') == ["007", "008"]

    def test_an_empty_typed_cell_is_reported_with_its_line(self, complaints: Complainer, tmp_path: Path) -> None:
        (tmp_path / "t.csv").write_text(TABLE, "utf-8")
        text = sweep('[axes.t]\nfile = "t.csv"\ntypes = { n = "int" }\n', args='["{{t.n}}"]')
        assert complaints(text) == ["t.csv:3: n is empty; fill it, or set missing.n"]

    def test_parquet_brings_its_own_types(self, planned: Planner, complaints: Complainer, tmp_path: Path) -> None:
        arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        days = [date(2024, 1, 31), date(2024, 2, 29)]
        parquet.write_table(arrow.table({"id": ["007", "b"], "x": [1.5, 2.0], "day": days}), tmp_path / "t.parquet")
        text = sweep('[axes.t]\nfile = "t.parquet"\n', args='["{{t.id}} {{t.x}} {{t.day:%d.%m.}}"]')
        assert arguments(planned(text)) == [["007 1.5 31.01."], ["b 2.0 29.02."]]
        (tmp_path / "t.parquet").write_bytes(b"PAR1 and no more")
        (message,) = complaints(text)
        assert message.startswith("t.parquet: not Parquet: ")

    def test_standard_input_is_json_lines(self, planned: Planner) -> None:
        plan = planned(sweep('[axes.t]\nfile = "-"\n', args='["{{t.a}}"]'), None, None, b'{"a": 1.50}\n\n{"a": 2}\n')
        assert arguments(plan) == [["1.50"], ["2"]]
        assert [file.path for file in plan.files] == ["-"]

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_a_line_of_json_ends_where_an_editor_ends_it_and_not_within_text(self, planned: Planner, end: str) -> None:
        lines = end.join(['{"a": "x\u2028y\u0085z"}', '{"a": "2"}', ""])
        plan = planned(sweep('[axes.t]\nfile = "-"\n', args='["{{t.a}}"]'), None, None, lines.encode())
        assert arguments(plan) == [["x\u2028y\u0085z"], ["2"]]

    @pytest.mark.parametrize("line", ["[1]", '{"a": [1]}', "{", '{"a": NaN}', '{"a": "\\ud800"}', '{"a": null}'])
    def test_other_lines_are_refused(self, line: str, complaints: Complainer) -> None:
        text = sweep('[axes.t]\nfile = "-"\n', args='["{{t.a}}"]')
        assert complaints(text, None, None, f'{{"a": 1}}\n{line}\n'.encode())


CELLS = "the id,n,n2,x\n007,1,true,1.50\n008,b,no,nan\n009,3,false\n010,,true,2\n"
REFUSED = {
    "cells that do not fit": (
        'rename = { "the id" = "id" }\ntypes = { n = "int", n2 = "bool", x = "float" }\n',
        [
            "t.csv:3: n: 'b' is not a valid int; fix the cell",
            "t.csv:4: 3 cells, but the header has 4",
            "t.csv:5: n is empty; fill it, or set missing.n",
        ],
    ),
    "a number that is not finite": (
        'rename = { "the id" = "id" }\ncolumns = ["x"]\ntypes = { x = "float" }\n',
        ["t.csv:3: x: 'nan' is not a finite number; fix the cell", "t.csv:4: 3 cells, but the header has 4"],
    ),
    "an unknown type": (
        'columns = ["n"]\ntypes = { n = "flot" }\n',
        [
            "axes.t.types: unknown type 'flot' for n; did you mean 'float'?",
            "t.csv:4: 3 cells, but the header has 4",
            "t.csv:5: n is empty; fill it, or set missing.n",
        ],
    ),
    "headers": (
        'rename = { n2 = "n" }\n',
        [
            "t.csv:1: the column 'the id' is not an identifier; use rename to give it another name",
            "t.csv:1: the column 'n' appears twice; use rename to give one of them another name",
        ],
    ),
    "columns that are not there": (
        'rename = { a = "b" }\ncolumns = ["n", "c"]\nmissing = { d = 1 }\nwhere = { e = "1" }\n',
        [
            "axes.t.rename: no column 'a' in t.csv (it has the id, n, n2, x)",
            "axes.t.columns: no column 'c' in t.csv (it has the id, n, n2, x)",
            "axes.t.missing: no column 'd' in t.csv (it has the id, n, n2, x)",
            "axes.t.where: no column 'e' in t.csv (it has the id, n, n2, x)",
            "t.csv:4: 3 cells, but the header has 4",
        ],
    ),
    "keys and their types": (
        'type = {}\nwhere = 3\nrename = { a = 1 }\ncolumns = "n"\n',
        [
            "axes.t: unknown key 'type'; did you mean 'types'?",
            "axes.t.where: 3 is not a table; write where = { column = … }",
            "axes.t.rename: 1 is not a string; put it in quotes",
            'axes.t.columns: "n" is not a list of strings; write columns = ["…"]',
        ],
    ),
}


@pytest.mark.parametrize(("more", "messages"), REFUSED.values(), ids=REFUSED)
def test_everything_wrong_with_a_csv_file_is_reported_at_once(
    more: str, messages: list[str], complaints: Complainer, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(CELLS, "utf-8")
    assert complaints(sweep(f'[axes.t]\nfile = "t.csv"\n{more}', args='["{{t.n}}"]')) == messages


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "t.csv: it has no header; put the column names on its first line"),
        (b"a,b\n1,2\n\xe9,1\n", "t.csv:3: not UTF-8; save the file as UTF-8"),
        (b'a,b\n"1,2\n', "t.csv:2: not CSV: unexpected end of data; fix the file"),
        (b"a,b\n", "axes.t: it has no values; list one or more"),
    ],
)
def test_a_file_that_is_not_csv_is_reported(data: bytes, message: str, complaints: Complainer, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(data)
    assert complaints(sweep('[axes.t]\nfile = "t.csv"\n', args='["{{t.a}}"]')) == [message]


def test_a_file_that_is_not_there_is_reported(complaints: Complainer) -> None:
    assert complaints(sweep('[axes.t]\nfile = "t.csv"\n', args='["{{t.a}}"]')) == [
        "axes.t: t.csv cannot be read: No such file or directory; check the path, which is relative to the manifest"
    ]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("{ a = 9 }", "axes.t.where: matches no row; loosen the test"),
        ("{ a = 'x' }", "axes.t.where: a: the axis holds numbers, but the test is the string 'x'"),
        ("{ b = 1 }", "axes.t.where: the values of 'b' are not all of one kind; use one kind per column"),
        ("{ c = 1 }", "axes.t.where: no column 'c' (it has a, b)"),
    ],
)
def test_a_filter_that_does_not_fit_is_reported(where: str, message: str, complaints: Complainer) -> None:
    text = sweep(f'[axes.t]\nfile = "-"\nwhere = {where}\n', args='["{{t.a}}"]')
    assert complaints(text, None, None, b'{"a": 1, "b": 1}\n{"a": 2, "b": "x"}\n') == [message]


def test_json_lines_are_renamed_filled_and_chosen(planned: Planner) -> None:
    more = 'rename = { "the a" = "a" }\nmissing = { b = 7, c = "-" }\ncolumns = ["c", "b", "a"]\n'
    plan = planned(
        sweep(f'[axes.t]\nfile = "-"\n{more}', args='["{{t.a}} {{t.b}} {{t.c}}"]'),
        None,
        None,
        b'{"the a": 1, "b": null}\n{"the a": 2, "b": 8, "c": "x", "d": []}\n'.replace(b', "d": []', b""),
    )
    assert arguments(plan) == [["1 7 -"], ["2 8 x"]]


def test_what_json_lines_lack_is_reported_by_line(complaints: Complainer) -> None:
    text = sweep('[axes.t]\nfile = "-"\ntypes = { a = "int" }\ncolumns = ["a", "b"]\n', args='["{{t.a}}"]')
    assert complaints(text, None, None, b'{"a": 1}\n') == [
        "axes.t.types: only CSV needs types; remove it; the values are typed already",
        "-:1: no 'b' (it has a); set missing.b",
        "-:1: b is null; fill it, or set missing.b",
    ]


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/full", "pipe.csv", "folder"])
def test_what_may_never_end_is_no_data_file(name: str, complaints: Complainer, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder").mkdir()
    (message,) = complaints(sweep(f'[axes.r]\nfile = "{name}"\n', args='["{{r.a}}"]'))
    assert message.startswith("axes.r: "), message
    assert "not a regular file" in message or "directory" in message


def test_tables_nested_beyond_reason_are_refused(complaints: Complainer) -> None:
    (message,) = complaints("version = 1\n[run]\n" + ".".join(["a"] * 3000) + " = 1\n")
    assert "nested more than 50 levels deep" in message


def test_a_header_that_is_no_header_is_not_repeated_in_full() -> None:
    names = ["x" * 100_000, *(f"c{n}" for n in range(2_000))]
    shown = shown_columns(names)
    assert len(shown) < 600
    assert shown.startswith("x" * 60 + "... (100,000 characters), c0, c1, ")
    assert shown.endswith(", and 1,961 more")
