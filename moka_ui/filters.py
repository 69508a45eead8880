"""The query of a list of jobs: which parameters there are, and what each may hold."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
)

from archer.domain.states import JobState
from moka_ui.cursor import Sort

RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)\Z")
NO_CONTROL: Final = r"^[^\x00-\x1f\x7f]*$"
EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)
LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)


def _written_out(value: object) -> object:
    if isinstance(value, str) and not RFC_3339.match(value):
        raise ValueError("not a time such as 2026-11-22T06:03:00.123Z")
    return value


def _in_range(value: datetime) -> datetime:
    if not EARLIEST <= value <= LATEST:
        raise ValueError("out of range")
    return value.astimezone(UTC)


Word = Annotated[str, Field(min_length=1, max_length=256, pattern=NO_CONTROL)]
Time = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_range)]
Label = Annotated[str, Field(min_length=3, max_length=320, pattern=r"^[^:\x00-\x1f\x7f]+:[^\x00-\x1f\x7f]*$")]


class JobQuery(BaseModel):
    """Parameters of the list of jobs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: list[JobState] = Field(
        default=[], max_length=32, description="Any of these; repeated or separated by commas."
    )
    queue: Word | None = None
    tenant: Word | None = None
    owner: Word | None = None
    cluster: Word | None = None
    name: Word | None = Field(default=None, description="What the name starts with.")
    label: list[Label] = Field(default=[], max_length=8, description="key:value; all of them.")
    created_after: Time | None = None
    created_before: Time | None = None
    sort: Sort = "newest"
    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = None

    @field_validator("state", mode="before")
    @classmethod
    def _separate(cls, value: object) -> object:
        if not isinstance(value, list):
            return value
        return [word for part in value for word in str(part).split(",") if word]

    @property
    def states(self) -> list[str]:
        """The states asked for, each once."""
        return sorted(set(self.state))

    @property
    def labels(self) -> dict[str, str]:
        """Labels as a document; of a key given twice the last counts."""
        return dict(part.split(":", 1) for part in self.label)


class LogQuery(BaseModel):
    """Parameters of a log."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: str = Field(default="driver", pattern=r"^(driver|executor-[1-9][0-9]{0,5})$")
    attempt: int | None = Field(default=None, ge=1, le=1000)
    offset: int = Field(default=0, ge=-(2**53), le=2**53, description="In bytes; negative: from the end.")
    limit: int = Field(default=64 * 1024, ge=1, le=1024 * 1024, description="In bytes.")

    @property
    def parameters(self) -> dict[str, str]:
        """As Archer takes them."""
        return {name: str(value) for name, value in self.model_dump(exclude_none=True).items()}
