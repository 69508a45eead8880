"""Reading a request body without trust: bounded, JSON or YAML, no key twice, not too deep."""

from __future__ import annotations

import json
from typing import Any, Final

import yaml
from fastapi import Request
from pydantic import ValidationError

from archer.api.problems import field_faults
from archer.domain.request import JobRequest, contradictions
from archer.errors import BodyTooLarge, FieldFault, InvalidJob, MalformedBody, UnsupportedMediaType

MAX_BYTES: Final = 256 * 1024
MAX_BATCH_BYTES: Final = 4 * 1024 * 1024
MAX_YAML_BYTES: Final = 64 * 1024  # the YAML parser is some thirty times slower than the JSON one
MAX_DEPTH: Final = 32
YAML_TYPES: Final = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})


async def read(request: Request, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Read the body as JSON text; YAML is converted.

    Raises:
        BodyTooLarge: It has more than *max_bytes*.
        UnsupportedMediaType: It is neither JSON nor YAML, or it is compressed.
        MalformedBody: It cannot be parsed, or is not UTF-8.
    """
    headers = request.headers
    if headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMediaType("A compressed body is not read.")
    media_type = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    is_yaml = media_type in YAML_TYPES
    if not is_yaml and media_type != "application/json":
        raise UnsupportedMediaType("The body must be application/json or application/yaml.")
    limit = min(max_bytes, MAX_YAML_BYTES) if is_yaml else max_bytes
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length) > limit:
        raise BodyTooLarge(f"The body has {length} bytes; at most {limit} are read.")
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > limit:
            raise BodyTooLarge(f"The body has more than {limit} bytes.")
    return _json_of_yaml(bytes(data)) if is_yaml else bytes(data)


def parse(data: bytes) -> Any:
    """Parse JSON strictly.

    Raises:
        MalformedBody: Not JSON, not UTF-8, a key twice, NaN or Infinity, or deeper than 32.
    """
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise MalformedBody(f"The body is not UTF-8: {error.reason} at byte {error.start}.") from error
    except RecursionError as error:
        raise MalformedBody(f"The body is nested deeper than {MAX_DEPTH}.") from error
    except ValueError as error:
        raise MalformedBody(f"The body is not JSON: {error}.") from error
    # a body with no more than that many brackets cannot be deeper: most need no walk
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH and _is_deep(value, MAX_DEPTH):
        raise MalformedBody(f"The body is nested deeper than {MAX_DEPTH}.")
    return value


def job_request(data: bytes, value: Any) -> JobRequest:
    """Validate a parsed job request.

    Raises:
        InvalidJob: With every wrong field at once.
    """
    if not isinstance(value, dict):
        raise InvalidJob("A job is an object.", (FieldFault("", "type", "must be an object"),))
    faults = [FieldFault(*fault) for fault in contradictions(value)]
    try:
        request = JobRequest.model_validate_json(data)
    except ValidationError as error:
        found = field_faults(error.errors(include_url=False, include_input=False))
        named = {fault.field for fault in found}
        faults = [*found, *(fault for fault in faults if fault.field not in named)]
        raise InvalidJob(_count(faults), tuple(faults)) from None
    if faults:
        raise InvalidJob(_count(faults), tuple(faults))
    return request


def _count(faults: list[FieldFault]) -> str:
    return "One field is wrong." if len(faults) == 1 else f"{len(faults)} fields are wrong."


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise MalformedBody(f"The key {twice[:100]!r} stands twice in one object.")
    return mapping


def _no_constant(name: str) -> None:
    raise MalformedBody(f"{name} is not JSON.")


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
        value = yaml.load(text, Loader=_UniqueLoader)  # noqa: S506  (a SafeLoader)
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
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise MalformedBody("Anchors and aliases are not read.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise MalformedBody(f"The body is nested deeper than {MAX_DEPTH}.")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _UniqueLoader(yaml.CSafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(keys)) != len(keys):
            raise MalformedBody("A key stands twice in one mapping.")
        return super().construct_mapping(node, deep=deep)
