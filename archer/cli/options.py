"""A command's options as one dataclass: typer reads its fields as if they were parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import wraps
from typing import Any, TypeVar, get_type_hints

import typer

Options = TypeVar("Options")
COMMAND = inspect.Parameter.POSITIONAL_OR_KEYWORD


def taking(
    options: type[Options],
) -> Callable[[Callable[[typer.Context, Options], None]], Callable[..., None]]:
    """Give a command the fields of a dataclass as its options and arguments."""

    def decorate(command: Callable[[typer.Context, Options], None]) -> Callable[..., None]:
        @wraps(command)
        def run(context: typer.Context, **values: Any) -> None:
            command(context, options(**values))

        parameters = [inspect.Parameter("context", COMMAND, annotation=typer.Context), *_parameters(options)]
        run.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportAttributeAccessIssue]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        del run.__wrapped__  # pyright: ignore[reportAttributeAccessIssue]
        return run

    return decorate


def _parameters(options: type) -> list[inspect.Parameter]:
    hints = get_type_hints(options, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(options)
    ]
