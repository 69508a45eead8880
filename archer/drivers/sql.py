"""Run SQL statements as a Spark application and print what each returns.

Usage: sql.py (--sql TEXT | --file LOCATION) [NAME=VALUE ...]

Each NAME=VALUE gives the text that ``:NAME`` stands for in a statement. A wrong statement ends the program
with exit status 1 and Spark's sentence about it, not with a stack trace. It stands alone: the Spark image
holds only this file.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MAX_ROWS: Final = 1000
MAX_TITLE: Final = 100
USAGE: Final = "usage: sql.py (--sql TEXT | --file LOCATION) [NAME=VALUE ...]\n"
USAGE_EXIT: Final = 2
LOCAL_SCHEMES: Final = frozenset({"", "file", "local"})
FRAME: Final = re.compile(r"\s*(at [\w.$]+\(|\.\.\. \d+ more|\*\*\* stack|Driver stacktrace:)")
# Source: Spark SqlBaseLexer.g4: STRING_LITERAL with and without r, BACKQUOTED_IDENTIFIER, both comments.
TOKEN: Final = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\*(?!\+) )
    | (?P<raw>     (?<![\w])[rR](?:'[^']*'|"[^"]*") )
    | (?P<quoted>  '(?:\\.|[^'\\])*' | "(?:\\.|[^"\\])*" | `(?:``|[^`])*` )
    | (?P<end>     ; )
    | (?P<space>   \s+ )
    | (?P<other>   \w+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)
BLOCK_EDGE: Final = re.compile(r"/\*|\*/")


def split_statements(text: str) -> list[str]:
    """Split SQL at semicolons outside of quotes and comments; drops statements without a word in them."""
    statements: list[str] = []
    start, has_words = 0, False
    for kind, begin, end in _tokens(text):
        if kind == "end":
            if has_words:
                statements.append(text[start:begin].strip())
            start, has_words = end, False
        elif kind not in ("comment", "space"):
            has_words = True
    if has_words:
        statements.append(text[start:].strip())
    return statements


def title(statement: str) -> str:
    """Shorten a statement to one line."""
    words = " ".join("".join(_words(statement)).split())
    return words if len(words) <= MAX_TITLE else f"{words[: MAX_TITLE - 1]}…"


def sentence(error: BaseException) -> str:
    """Say what Spark says about *error*, without frames of its stack."""
    java = getattr(error, "java_exception", None)
    text = str(java.getMessage() or java.toString()) if java is not None else str(error)
    kept = [line.rstrip() for line in text.splitlines() if line.strip() and not FRAME.match(line)]
    return "\n".join(kept) or type(error).__name__


def main(arguments: list[str]) -> int:
    """Run the program; returns its exit status."""
    flag, source, *given = arguments if len(arguments) > 1 else ("", "")
    if flag not in ("--sql", "--file") or not all("=" in entry for entry in given):
        sys.stderr.write(USAGE)
        return USAGE_EXIT
    parameters = dict(entry.split("=", 1) for entry in given)
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()  # pyright: ignore[reportAttributeAccessIssue]
    where = "the file"
    try:
        statements = split_statements(source if flag == "--sql" else read(spark, source))
        if not statements:
            sys.stderr.write("there is no SQL statement to run\n")
            return 1
        for number, statement in enumerate(statements, start=1):
            where = f"statement {number} of {len(statements)}"
            _say(f"-- {number}/{len(statements)}: {title(statement)}")
            show(spark.sql(statement, parameters or None))
    except (PySparkException, Py4JJavaError, OSError, UnicodeDecodeError) as error:
        _say(f"{type(error).__name__} in {where}: {sentence(error)}", to=sys.stderr)
        return 1
    finally:
        spark.stop()
    return 0


def read(spark: SparkSession, location: str) -> str:
    """Read a text from this machine, or through Spark from wherever it can read."""
    parts = urlsplit(location)
    if parts.scheme in LOCAL_SCHEMES:
        return Path(parts.path).read_text(encoding="utf-8")
    return "\n".join(row[0] for row in spark.read.text(location, wholetext=True).collect())


def show(frame: DataFrame) -> None:
    """Print the rows of a statement's result as a table."""
    if not frame.columns:
        _say("OK")
        return
    rows = frame.limit(MAX_ROWS + 1).collect()
    shown = rows[:MAX_ROWS]
    _say(table(frame.columns, [[_cell(value) for value in row] for row in shown]))
    _say(f"{len(shown)} row{'s' if len(shown) != 1 else ''}")
    if len(rows) > MAX_ROWS:
        _say(f"only the first {MAX_ROWS} rows are shown")


def table(columns: list[str], rows: list[list[str]]) -> str:
    """Draw cells as Spark's own tables look."""
    widths = [max(len(cell) for cell in cells) for cells in zip(columns, *rows, strict=True)]
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"

    def line(cells: list[str]) -> str:
        return "|" + "|".join(f" {cell:<{width}} " for cell, width in zip(cells, widths, strict=True)) + "|"

    return "\n".join([rule, line(columns), rule, *map(line, rows), rule])


def _cell(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace("\n", "\\n")


def _tokens(text: str) -> Iterator[tuple[str, int, int]]:
    position = 0
    while match := TOKEN.match(text, position):
        position, kind = match.end(), match.lastgroup or "other"
        if kind == "comment" and match[0] == "/*":
            position = _block_end(text, position)
        elif match[0] in ("'", '"', "`"):
            position = len(text)  # an open quote: the rest is one statement, and Spark's parser says so
        yield kind, match.start(), position


def _block_end(text: str, position: int) -> int:
    depth = 1  # Spark's comments nest
    while depth:
        edge = BLOCK_EDGE.search(text, position)
        if edge is None:
            return len(text)
        position, depth = edge.end(), depth + (1 if edge[0] == "/*" else -1)
    return position


def _words(statement: str) -> Iterator[str]:
    for kind, begin, end in _tokens(statement):
        yield " " if kind == "comment" else statement[begin:end]


def _say(text: str, *, to: Any = None) -> None:
    (to or sys.stdout).write(text + "\n")
    (to or sys.stdout).flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
