"""Memory in Spark's notation, as bounded integers of MiB.

Source: Spark ``configuration.md``, "Spark Properties": sizes take b, k, m, g, t or p and mean binary units.
"""

from __future__ import annotations

import re
from typing import Final

MEMORY: Final = re.compile(r"([1-9][0-9]{0,6})([kmgt])b?\Z")
MAX_MEMORY_MIB: Final = 4 * 1024 * 1024  # 4 TiB, above any machine that one pod may fill
MIB_PER_UNIT: Final = {"m": 1, "g": 1024, "t": 1024 * 1024}
KIB_PER_MIB: Final = 1024


def memory_mib(text: str) -> int:
    """Read Spark memory such as ``4g`` or ``512m``.

    Returns:
        MiB, rounded up.

    Raises:
        ValueError: It is not of that form, or beyond 4 TiB.
    """
    match = MEMORY.match(text)
    if match is None:
        raise ValueError("must be a number and a unit, such as 512m or 4g")
    number, unit = int(match[1]), match[2]
    mib = -(-number // KIB_PER_MIB) if unit == "k" else number * MIB_PER_UNIT[unit]
    if mib > MAX_MEMORY_MIB:
        raise ValueError("must be at most 4t")
    return mib


def memory_text(mib: int) -> str:
    """Write MiB as Spark memory: ``4g`` where it is whole, else ``4505m``."""
    return f"{mib // 1024}g" if mib % 1024 == 0 else f"{mib}m"
