"""One word for one thing: what docs/glossary.md rules out names nothing in Archer, its tables or its API."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import cast

import pytest

from archer.api.app import create_app
from archer.api.deps import Parts
from archer.store.tables import metadata
from tests.architecture.project import ROOT, matching

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
RULED_OUT = "\n".join(row.split("|")[3] for row in re.findall(r"^\|.*\|$", GLOSSARY, re.MULTILINE)[2:])
NOWHERE = frozenset(re.findall(r"\*\*([a-z]+)\*\*", RULED_OUT))
NO_COLUMN_OR_PATH = NOWHERE | frozenset(re.findall(r"`([a-z]+)`", RULED_OUT))
# The local cluster speaks with spark-submit and the kernel, in their words.
WORDS_OF_OTHERS = ("archer/clusters/local/",)


def words(name: str) -> set[str]:
    """Whole words of a name, in the singular too: ``RetryBackends`` is retry, backends and backend."""
    parts = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())
    return {*parts, *(part.removesuffix("s") for part in parts)}


def public_names() -> Iterator[str]:
    """Modules, classes, functions, constants and fields of Archer that do not begin with an underscore."""
    for file in matching(".py"):
        if not file.startswith("archer/") or file.startswith(WORDS_OF_OTHERS):
            continue
        yield file
        for node in ast.walk(ast.parse((ROOT / file).read_text())):
            for name in _names(node):
                if not name.startswith("_"):
                    yield f"{file}:{name}"


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    yield from (target.id for target in targets if isinstance(target, ast.Name))


def test_the_glossary_is_read_as_it_is_written():
    assert {"backend", "launch"} <= NOWHERE
    assert {"status", "task"} <= NO_COLUMN_OR_PATH - NOWHERE
    assert words("SparkBackends") == {"spark", "backends", "backend"}


def test_no_public_name_of_archer_is_ruled_out():
    told = [name for name in public_names() if words(name.rpartition("/")[2]) & NOWHERE]
    assert told == []


def test_no_column_is_ruled_out():
    columns = [f"{table.name}.{column.name}" for table in metadata.sorted_tables for column in table.columns]
    assert len(columns) > 50
    assert [name for name in columns if words(name) & NO_COLUMN_OR_PATH] == []


@pytest.fixture(scope="module")
def described() -> dict:
    return create_app(cast("Parts", None)).openapi()


def test_no_path_is_ruled_out(described):
    assert len(described["paths"]) > 10
    assert [path for path in described["paths"] if words(path) & NO_COLUMN_OR_PATH] == []


def test_no_parameter_and_no_field_of_the_api_is_ruled_out(described):
    parameters = {
        parameter["name"]
        for path in described["paths"].values()
        for operation in path.values()
        for parameter in operation.get("parameters", ())
    }
    schemas = described["components"]["schemas"]
    fields = {f"{name}.{field}" for name, schema in schemas.items() for field in schema.get("properties", ())}
    assert len(fields) > 50
    assert [name for name in sorted(parameters | fields) if words(name) & NOWHERE] == []
