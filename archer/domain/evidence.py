"""The last error in a driver's log, and the few of its lines that tell something.

A log of Spark repeats a failure of one task up to seven times, each with a hundred frames. What is kept is
one place in the job's own program and the sentences of the errors, each once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

MAX_LINES: Final = 12
MAX_LINE_LENGTH: Final = 500

# A line of log4j, by Spark's own pattern or by that of our local cluster.
LOGGED: Final = re.compile(r"\d{2,4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d\S* (?P<level>[A-Z]+) ")
# Where an error begins: at the first column, since those that Spark quotes stand behind a class name.
HEAD: Final = re.compile(
    r"Traceback \(most recent call last\):|Exception in thread |Error: |\S*python\S*: can't open"
)
SENTENCE: Final = re.compile(r"(Caused by: |: |\w+: )?([\w$]+\.)*[\w$]*(Error|Exception|Interrupt)\b")
CHATTER: Final = re.compile(r" (Utils: (Your hostname|Set SPARK_LOCAL_IP)|NativeCodeLoader: )")
LINK: Final = re.compile(r"During handling of the above exception|The above exception was the direct cause")
FRAME: Final = re.compile(
    r"\s+at [\w.$]|\s*\.\.\. \d+ more|\s+File \"|Driver stacktrace:|Traceback \(most|\s{4,}\S"
)
PLACE: Final = re.compile(r"\s+File \"(?P<file>[^\"]+)\", line \d+")
NOT_THE_JOBS: Final = re.compile(r"/(site|dist)-packages/|pyspark\.zip|py4j-|/lib/python3|/pyspark/|<frozen ")
QUOTED_TRACEBACK: Final = re.compile(r":? ?Traceback \(most recent call last\):$")


@dataclass(frozen=True, slots=True)
class LastError:
    """*whole* is the error as printed, *lines* are worth showing, *telling* is the sentence of its cause."""

    whole: tuple[str, ...]
    lines: tuple[str, ...]
    telling: str | None


def last_error(log: Sequence[str]) -> LastError | None:
    """Find the last error in a log, with those that it says it was caused by; None when there is none."""
    last = next(
        (i for i in range(len(log) - 1, -1, -1) if HEAD.match(log[i]) or SENTENCE.match(log[i])), None
    )
    if last is None:
        return _logged_error(log)
    first = _beginning(log, last)
    end = next((i for i in range(last, len(log)) if LOGGED.match(log[i])), len(log))
    whole = tuple(line[: 4 * MAX_LINE_LENGTH] for line in log[first:end] if not LOGGED.match(line))
    sentences = [line for line in whole if SENTENCE.match(line)]
    telling = sentences[-1] if sentences else next((line for line in whole if HEAD.match(line)), None)
    place = _place([*log[max(0, first - 6) : first], *whole])
    return LastError(whole, _shown([*place, *whole]), cut(telling) if telling else None)


def last_words(log: Sequence[str]) -> tuple[str, ...]:
    """What a log without an error ends with, beside Spark's chatter."""
    said = [line for line in log if (found := LOGGED.match(line)) is None or found["level"] != "INFO"]
    return _shown([line for line in said if not CHATTER.search(line)][-MAX_LINES:])


def cut(line: str) -> str:
    """Shorten a line; py4j's colon before it, and a traceback that Spark begins at its end, tell nothing."""
    return QUOTED_TRACEBACK.sub("", line.rstrip().removeprefix(": "))[:MAX_LINE_LENGTH]


def without_log_prefix(line: str) -> str:
    """Drop the time and the level that log4j wrote before a line."""
    return LOGGED.sub("", line, count=1)


def _beginning(log: Sequence[str], last: int) -> int:
    """Walk up from the last line of an error to its first, through those that caused it."""
    first = last
    for index in range(last, -1, -1):
        if LOGGED.match(log[index]):
            break
        if HEAD.match(log[index]):
            first = index
            if not any(LINK.match(line) for line in log[max(0, index - 2) : index]):
                break
    return first


def _logged_error(log: Sequence[str]) -> LastError | None:
    """The last error that only log4j tells of."""
    found = [line for line in log if (logged := LOGGED.match(line)) and logged["level"] in ("ERROR", "FATAL")]
    return LastError((found[-1],), _shown(found), cut(found[-1])) if found else None


def _place(lines: Iterable[str]) -> list[str]:
    """The innermost place in the job's own program."""
    found = [line for line in lines if (at := PLACE.match(line)) and not NOT_THE_JOBS.search(at["file"])]
    return [found[-1].strip()] if found else []


def _shown(lines: Iterable[str]) -> tuple[str, ...]:
    kept: dict[str, None] = {}
    for line in lines:
        if line.strip() and not FRAME.match(line) and not LINK.match(line):
            kept.setdefault(cut(line))
    told = list(kept)
    if len(told) <= MAX_LINES:
        return tuple(told)
    return (*told[: MAX_LINES // 2], *told[-MAX_LINES // 2 :])
