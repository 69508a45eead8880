"""Page cursors: where the next page begins, signed together with the filters it belongs to."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any, Final

from archer.errors import InvalidCursor
from archer.store.jobs import Position

SIGNATURE_BYTES: Final = 16  # half of SHA-256's; a guess is right once in 2^128


class Cursors:
    """Writes and reads the cursors of one secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def write(self, position: Position, scope: str) -> str:
        """Make the cursor of *position* in the list that *scope* describes."""
        as_of = position.as_of.isoformat() if position.as_of else None
        payload = json.dumps([position.id, position.elapsed_us, as_of], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._sign(payload, scope) + payload).decode().rstrip("=")

    def read(self, cursor: str, scope: str) -> Position:
        """Read a cursor that was written for the same *scope*. Raises ``InvalidCursor``."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidCursor("The cursor is not one of Archer's.") from error
        signature, payload = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
        is_ours = hmac.compare_digest(signature, self._sign(payload, scope))
        if (
            not is_ours or base64.urlsafe_b64encode(raw).decode().rstrip("=") != cursor
        ):  # spare bits count too
            raise InvalidCursor("The cursor is not one that Archer gave for this list with these filters.")
        last, elapsed_us, as_of = json.loads(payload)
        return Position(last, elapsed_us, datetime.fromisoformat(as_of) if as_of else None)

    def _sign(self, payload: bytes, scope: str) -> bytes:
        return hmac.digest(self._secret, scope.encode() + b"\0" + payload, hashlib.sha256)[:SIGNATURE_BYTES]


def scope_of(parameters: dict[str, Any]) -> str:
    """Text of the parameters that a cursor is bound to: all but itself and the page size."""
    return json.dumps(parameters, sort_keys=True, default=str)
