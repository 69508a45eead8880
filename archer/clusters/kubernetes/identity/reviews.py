"""Asking an API server whose a token is: TokenReview of authentication.k8s.io/v1."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from archer.clusters.kubernetes.config import KubernetesConfig
from archer.clusters.kubernetes.connection import Ask, Connection
from archer.errors import ClusterUnavailable

PATH: Final = "/apis/authentication.k8s.io/v1/tokenreviews"


class Reviews:
    """Token reviews of one API server. It takes the right to create ``tokenreviews``, and no other."""

    def __init__(self, config: KubernetesConfig) -> None:
        self._config = config
        self._connection = Connection(config)

    async def review(self, token: str, audience: str) -> str | None:
        """Name of the user whose *token* for *audience* this is; None when it is not good.

        Raises:
            ClusterUnavailable: No answer, or none that can be understood.
        """
        wanted = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token, "audiences": [audience]},
        }
        answer = await self._connection.call(Ask("POST", PATH, body=msgspec.json.encode(wanted)))
        if not answer.is_success:
            # a refusal is of Archer, not of the token: nothing is known of that
            raise ClusterUnavailable(f"{self._config.name} reviews no tokens for Archer ({answer.code})")
        try:
            status = msgspec.json.decode(answer.body, type=dict[str, Any])["status"]
            # an API server that knows no audiences leaves them out: then nobody has compared them
            is_meant = audience in status.get("audiences", ())
            return status["user"]["username"] if status.get("authenticated") is True and is_meant else None
        except (msgspec.MsgspecError, KeyError, TypeError, AttributeError) as error:
            raise ClusterUnavailable(f"{self._config.name} answers no token review") from error

    async def close(self) -> None:
        """Close all sockets."""
        await self._connection.close()
