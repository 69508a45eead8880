"""How a text becomes SQL statements."""

import pytest

from archer.drivers.sql import sentence, split_statements, table, title


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("select 1", ["select 1"], id="one without a semicolon"),
        pytest.param("select 1; select 2 ;", ["select 1", "select 2"], id="two, and a semicolon at the end"),
        pytest.param(" ;; \n;", [], id="nothing but semicolons"),
        pytest.param("-- a; b\n/* c; d */", [], id="nothing but comments"),
        pytest.param("select ';' as a; select 2", ["select ';' as a", "select 2"], id="in single quotes"),
        pytest.param('select "a;b"; select 2', ['select "a;b"', "select 2"], id="in double quotes"),
        pytest.param("select `a;b` from t", ["select `a;b` from t"], id="in backticks"),
        pytest.param("select `a``;` from t; s", ["select `a``;` from t", "s"], id="a doubled backtick"),
        pytest.param(r"select 'it\'s;'; select 2", [r"select 'it\'s;'", "select 2"], id="an escaped quote"),
        pytest.param("select 'a'';b'; c", ["select 'a'';b'", "c"], id="a doubled quote"),
        pytest.param(r"select r'\'; select 2", [r"select r'\'", "select 2"], id="no escapes in a raw string"),
        pytest.param(r"select or'\';'", [r"select or'\';'"], id="an r that ends a word makes nothing raw"),
        pytest.param("select 1 -- no; end\n+ 1; c", ["select 1 -- no; end\n+ 1", "c"], id="a line comment"),
        pytest.param("select /* ; */ 1; c", ["select /* ; */ 1", "c"], id="a block comment"),
        pytest.param("select /* a /* ; */ ; */ 1; c", ["select /* a /* ; */ ; */ 1", "c"], id="they nest"),
        pytest.param("select '--'; c", ["select '--'", "c"], id="a comment's sign in quotes"),
        pytest.param("-- it's\nselect 1; c", ["-- it's\nselect 1", "c"], id="a quote in a comment"),
        pytest.param("select 'open; c", ["select 'open; c"], id="an open quote is left to the parser"),
        pytest.param("select 1 /* open; c", ["select 1 /* open; c"], id="an open comment as well"),
        pytest.param("select 1 - -1; c", ["select 1 - -1", "c"], id="two minus signs apart"),
        pytest.param("select /*+ BROADCAST(t) */ 1", ["select /*+ BROADCAST(t) */ 1"], id="a hint is kept"),
    ],
)
def test_split_statements(text, expected):
    assert split_statements(text) == expected


def test_a_title_is_one_short_line_without_comments():
    assert title("-- why\nselect\n  1 /* x */ + 1") == "select 1 + 1"
    assert len(title("select " + "x" * 500)) == 100


def test_a_table_is_as_wide_as_its_widest_cells():
    assert table(["id", "name"], [["1", "archer"], ["22", "m"]]).splitlines() == [
        "+----+--------+",
        "| id | name   |",
        "+----+--------+",
        "| 1  | archer |",
        "| 22 | m      |",
        "+----+--------+",
    ]
    assert table(["id"], []).count("\n") == 3


def test_an_error_is_said_without_frames_of_the_stack():
    error = RuntimeError("[DIVIDE_BY_ZERO] Division by zero.\n\tat org.apache.X.y(X.scala:1)\n\t... 3 more\n")
    assert sentence(error) == "[DIVIDE_BY_ZERO] Division by zero."
