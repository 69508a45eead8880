"""Reading a request body without trust: bounded, JSON or YAML, no key twice, not too deep."""

from __future__ import annotations

import json
import math
import re
from typing import Any, ClassVar, Final

import yaml
from fastapi import Request
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from archer.api.problems import field_faults
from archer.domain.request import JobRequest
from archer.domain.tenancy.policy import Policy
from archer.domain.tenancy.rules.check import faults_of
from archer.domain.tenancy.rules.fields import with_hints
from archer.errors import BodyTooLarge, FieldFault, InvalidJob, MalformedBody, UnsupportedMediaType

MAX_BYTES: Final = 256 * 1024
MAX_BATCH_BYTES: Final = 4 * 1024 * 1024
MAX_YAML_BYTES: Final = 64 * 1024  # the YAML parser is some thirty times slower than the JSON one
MAX_YAML_NODES: Final = 5_000  # parsing takes some 10 us a node; the largest sensible job has half of that
MAX_DEPTH: Final = 32
MAX_KEYS: Final = 2_000  # of one object
MAX_FAULTS: Final = 100  # named in one answer
MAX_LENGTH_DIGITS: Final = 15
SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
YAML_TYPES: Final = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})


async def read(request: Request, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Read the body as JSON text; YAML is converted.

    Raises:
        BodyTooLarge: It has more than *max_bytes*.
        UnsupportedMediaType: It does not say that it is JSON or YAML, or it is compressed.
        MalformedBody: It cannot be parsed, or is not UTF-8.
    """
    headers = request.headers
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("A compressed body is not read.")
    # what says nothing is not read either: a page may send that to any site without asking it first
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    is_yaml = media_type in YAML_TYPES
    if not is_yaml and media_type != "application/json":
        raise UnsupportedMediaType("The body must be application/json or application/yaml.")
    limit = min(max_bytes, MAX_YAML_BYTES) if is_yaml else max_bytes
    length = headers.get("content-length", "0")
    # a number of that many digits is not even converted
    if length.isdecimal() and (len(length) > MAX_LENGTH_DIGITS or int(length) > limit):
        raise BodyTooLarge(f"The body has more than {limit} bytes.")
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > limit:
                raise BodyTooLarge(f"The body has more than {limit} bytes.")
    except ClientDisconnect:
        raise MalformedBody("The body ended before its end.") from None
    return _json_of_yaml(bytes(data)) if is_yaml else bytes(data)


def parse(data: bytes) -> Any:
    """Parse JSON strictly.

    Raises:
        MalformedBody: Not JSON, not UTF-8, a key twice, NaN or Infinity, or deeper than 32.
    """
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError as error:
        raise MalformedBody(f"The body is not UTF-8: {error.reason} at byte {error.start}.") from error
    except RecursionError as error:
        raise MalformedBody(f"The body is nested deeper than {MAX_DEPTH}.") from error
    except json.JSONDecodeError as error:
        raise MalformedBody(f"The body is not JSON: {error}.") from error
    except ValueError as error:
        raise MalformedBody("The body holds a number that is too large.") from error
    # a body with no more than that many brackets cannot be deeper: most need no walk
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH and _is_deep(value, MAX_DEPTH):
        raise MalformedBody(f"The body is nested deeper than {MAX_DEPTH}.")
    if SURROGATE.search(data):  # escaped: most bodies have none, and need no walk
        _require_characters(value)
    return value


def job_request(data: bytes, value: Any, policy: Policy | None = None) -> JobRequest:
    """Validate a parsed job request: its form, and what *policy* lets its tenant ask for.

    Raises:
        InvalidJob: With every wrong field at once.
    """
    if not isinstance(value, dict):
        raise InvalidJob("A job is an object.", (FieldFault("", "type", "must be an object"),))
    faults = faults_of(value, policy)
    try:
        request = JobRequest.model_validate_json(data)
    except ValidationError as error:
        found = with_hints(field_faults(error.errors(include_url=False, include_input=False)))
        named = {fault.field for fault in found}
        faults = [*found, *(fault for fault in faults if fault.field not in named)]
        raise _invalid(faults) from None
    if faults:
        raise _invalid(faults)
    return request


def _invalid(faults: list[FieldFault]) -> InvalidJob:
    count = len(faults)
    words = "One field is wrong." if count == 1 else f"{count} fields are wrong."
    if count > MAX_FAULTS:
        words = f"{count} fields are wrong; {MAX_FAULTS} of them are named."
    return InvalidJob(words, tuple(faults[:MAX_FAULTS]))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_KEYS:
        raise MalformedBody(f"An object has more than {MAX_KEYS} keys.")
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise MalformedBody(f"The key {twice[:100]!r} stands twice in one object.")
    return mapping


def _no_constant(name: str) -> None:
    raise MalformedBody(f"{name} is not JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise MalformedBody("The body holds a number that is too large.")
    return number


def _require_characters(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise MalformedBody("The body holds half of a surrogate pair, which is no character.") from error


def _is_deep(value: Any, left: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    if left == 0:
        return True
    children = value.values() if isinstance(value, dict) else value
    return any(_is_deep(child, left - 1) for child in children)


def _json_of_yaml(data: bytes) -> bytes:
    try:
        text = data.decode("utf-8")
        _check_events(text)
        value = yaml.load(text, Loader=_Loader)  # noqa: S506  (a SafeLoader)
        return json.dumps(value, allow_nan=False).encode()
    except UnicodeDecodeError as error:
        raise MalformedBody(f"The body is not UTF-8: {error.reason} at byte {error.start}.") from error
    except yaml.YAMLError as error:
        raise MalformedBody(f"The body is not YAML: {str(error).splitlines()[0]}.") from error
    except (TypeError, ValueError) as error:
        raise MalformedBody(f"The body holds what JSON cannot: {error}.") from error


def _check_events(text: str) -> None:
    """Refuse depth and aliases before anything is built: a few bytes of them may mean gigabytes."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=yaml.CSafeLoader)):
        if number > MAX_YAML_NODES:
            raise MalformedBody(f"The body has more than {MAX_YAML_NODES} values in YAML; send it as JSON.")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise MalformedBody("Anchors and aliases are not read.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise MalformedBody(f"The body is nested deeper than {MAX_DEPTH}.")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Loader(yaml.CSafeLoader):
    """Reads plain words by YAML 1.2's core schema: no is a word, 2026-11-22 a text, 1:30 too.

    Source: YAML 1.2.2, 10.3.2. Octal and hexadecimal numbers are left out: no field here wants them.
    """

    yaml_implicit_resolvers: ClassVar[dict[str, list[Any]]] = {}  # pyright: ignore[reportIncompatibleVariableOverride]

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(keys)) != len(keys):
            raise MalformedBody("A key stands twice in one mapping.")
        return super().construct_mapping(node, deep=deep)


for _tag, _pattern, _first in (
    ("null", r"(~|null|Null|NULL|)\Z", ["~", "n", "N", ""]),
    ("bool", r"(true|True|TRUE|false|False|FALSE)\Z", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]{0,18})\Z", list("-+0123456789")),
    (
        "float",
        r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]{1,3})?\Z",
        list("-+.0123456789"),
    ),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)
