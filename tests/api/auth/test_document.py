"""Requests that schemathesis makes of the OpenAPI document: what comes is what is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from archer.api.auth.gate import OPEN
from archer.store.engine import Database
from tests.api.auth.people import bearer, open_guarded, token_of
from tests.api.rig import Rig, problem

BASE: Final = "http://127.0.0.1"
DOCUMENT: Final = json.loads((Path(__file__).parents[1] / "openapi.json").read_text())
SCHEMA: Final = schemathesis.openapi.from_dict(DOCUMENT | {"info": DOCUMENT["info"] | {"version": "0"}})
OPERATIONS: Final = {one.ok().label: one.ok() for one in SCHEMA.get_all_operations() if isinstance(one, Ok)}
FEW: Final = settings(
    max_examples=20,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
async def rig(one_database: Database) -> AsyncIterator[Rig]:
    async with open_guarded(one_database) as opened:
        yield opened


async def sent(rig: Rig, case: Any, token: str | None) -> None:
    """Send what schemathesis made; the answer has to be one that the document tells."""
    wanted = case.as_transport_kwargs(base_url=BASE)
    given = dict(wanted.get("headers") or {}).items()
    headers = {name: str(value).encode("latin-1", "replace") for name, value in given}
    headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
    if token is not None:
        headers |= {name: value.encode() for name, value in bearer(token).items()}
    body = json.dumps(wanted["json"]) if "json" in wanted else wanted.get("data") or b""
    query = {name: value for name, value in (wanted.get("params") or {}).items() if name != "wait"}
    answer = await rig.client.request(
        wanted["method"], wanted["url"], headers=headers, params=query, content=body
    )
    told = {int(status) for status in case.operation.definition.raw["responses"]}
    assert answer.status_code in told, (wanted, answer.status_code, answer.text[:300])
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        problem(answer, answer.status_code)
    if token is None and (case.operation.path not in OPEN or query):
        assert answer.status_code == 401 or case.operation.path in OPEN - {"/readyz"}


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("who", ["nobody", "submitter", "platform"])
@pytest.mark.parametrize("label", sorted(OPERATIONS))
@FEW
@given(data=st.data())
async def test_what_comes_is_what_is_told(
    rig: Rig, label: str, who: str, mode: GenerationMode, data: st.DataObject
):
    operation = OPERATIONS[label]
    can_be_wrong = operation.body or operation.query or operation.path_parameters or operation.headers
    if mode is GenerationMode.NEGATIVE and not can_be_wrong:
        return
    case = data.draw(operation.as_strategy(generation_mode=mode))
    await sent(rig, case, None if who == "nobody" else token_of(who))
