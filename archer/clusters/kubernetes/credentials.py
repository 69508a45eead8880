"""Who Archer is to one API server, and whom it trusts: read again as files and tokens change."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from kubernetes.aio.client import Configuration
from kubernetes.aio.config.incluster_config import load_incluster_config
from kubernetes.aio.config.kube_config import load_kube_config

from archer.clusters.kubernetes.config import KubernetesConfig
from archer.errors import ClusterUnavailable

log = structlog.get_logger(__name__)

LOADING_SECONDS: Final = 30.0  # a credential plugin may ask a cloud


@dataclass(frozen=True, slots=True)
class Access:
    """Where an API server is and what each request to it carries."""

    server: str
    authorization: str | None
    tls: ssl.SSLContext | bool
    tls_name: str | None
    proxy: str | None


class Credentials:
    """Access to one cluster, at most as old as configured."""

    def __init__(self, config: KubernetesConfig) -> None:
        self._config = config
        self._access: Access | None = None
        self._read_at = 0.0
        self._loading = asyncio.Lock()
        self._again: Callable[[Configuration], Awaitable[None]] | None = None
        self._configuration = Configuration()
        self._file_changed_at = 0
        self._tls_of: tuple[bytes, ...] = ()

    async def access(self, *, refused: Access | None = None) -> Access:
        """Return what to connect with; read anew when it is old, or is the one that was *refused*."""
        if self._is_fresh(refused):
            return self._known()
        async with self._loading:
            if self._is_fresh(refused):  # another task did it meanwhile
                return self._known()
            try:
                async with asyncio.timeout(LOADING_SECONDS):
                    await self._load(anew=refused is not None)
            # The package, its plugins and the TLS library raise whatever they like, and a bad file must
            # not look different from a cluster that is away.
            except Exception as error:
                if self._access is not None and refused is None:
                    log.warning("old credentials are kept", cluster=self._config.name, error=str(error))
                    self._read_at = time.monotonic()
                    return self._access
                raise ClusterUnavailable(
                    f"the credentials for {self._config.name} cannot be read: {error}"
                ) from error
            self._read_at = time.monotonic()
            return self._known()

    def _is_fresh(self, refused: Access | None) -> bool:
        is_young = time.monotonic() - self._read_at < self._config.credentials_seconds
        return self._access is not None and self._access is not refused and is_young

    def _known(self) -> Access:
        if self._access is None:
            raise ClusterUnavailable(f"the credentials for {self._config.name} were never read")
        return self._access

    async def _load(self, *, anew: bool) -> None:
        path = self._config.kubeconfig
        if path is None:
            self._configuration = Configuration()
            load_incluster_config(self._configuration, try_refresh_token=False)
        else:
            changed_at = path.stat().st_mtime_ns
            if anew or self._again is None or changed_at != self._file_changed_at:
                self._configuration = Configuration()
                loader = await load_kube_config(
                    str(path), self._config.context, self._configuration, persist_config=False
                )
                self._again, self._file_changed_at = loader.load_and_set, changed_at
            else:  # a plugin's token is kept until it expires, a token's file is read again
                await self._again(self._configuration)
        self._access = self._from(self._configuration)

    def _from(self, found: Configuration) -> Access:
        # with the newline that a token's file may end in, every request would be refused
        token = " ".join((found.api_key or {}).get("BearerToken", "").split())
        return Access(
            server=found.host.rstrip("/"),
            authorization=token or None,
            tls=self._tls(found),
            tls_name=found.tls_server_name,
            proxy=found.proxy,
        )

    def _tls(self, found: Configuration) -> ssl.SSLContext | bool:
        """One context as long as its files do not change: a new one would mean new connections."""
        if not found.host.startswith("https"):
            return False
        files = [found.ssl_ca_cert, found.cert_file, found.key_file]
        content = tuple(Path(file).read_bytes() if file else b"" for file in files)
        content = (*content, str(found.verify_ssl).encode())
        if self._access is not None and content == self._tls_of:
            return self._access.tls
        context = ssl.create_default_context(cafile=found.ssl_ca_cert or None)
        if not found.verify_ssl:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if found.cert_file:
            context.load_cert_chain(found.cert_file, found.key_file)
        self._tls_of = content
        return context
