"""What an operator, a scheduler and a kubelet would write, by an administrator's hand."""

from __future__ import annotations

import io
import json
import ssl
from pathlib import Path
from typing import Any

import aiohttp

GROUP = "/apis/sparkoperator.k8s.io/v1beta2"
MERGE = {"Content-Type": "application/merge-patch+json"}
SECONDS = 60


class Administrator:
    """A client that may do everything; not the code under test."""

    def __init__(self, server: str, pki: Path) -> None:
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        self._session = aiohttp.ClientSession(
            server,
            connector=aiohttp.TCPConnector(ssl=context),
            timeout=aiohttp.ClientTimeout(total=SECONDS),
        )

    async def close(self) -> None:
        await self._session.close()

    async def post(self, path: str, body: dict[str, Any], **query: str) -> dict[str, Any]:
        return await self._call("POST", path, json=body, params=query)

    async def offer(
        self, path: str, body: dict[str, Any], *, headers: dict[str, str] | None = None, **query: str
    ) -> tuple[int, str]:
        """What the API server answers to an object that it may refuse: status, and its words."""
        async with self._session.post(path, json=body, params=query, headers=headers) as response:
            text = await response.text()
            return response.status, json.loads(text).get("message", "") if text.startswith("{") else text

    async def change_status(self, path: str, headers: dict[str, str]) -> int:
        """What the API server answers to somebody who writes the status of the object at *path*."""
        status = {"status": {"applicationState": {"state": "PENDING_RERUN"}, "driverInfo": {}}}
        sent = {"data": io.BytesIO(json.dumps(status).encode()), "headers": MERGE | headers}
        async with self._session.request("PATCH", f"{path}/status", **sent) as response:
            return response.status

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        return await self._call("GET", path, params=query)

    async def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return await self._call("PATCH", path, data=io.BytesIO(json.dumps(body).encode()), headers=MERGE)

    async def delete(self, path: str, **query: str) -> dict[str, Any]:
        return await self._call("DELETE", path, params=query)

    async def set_status(self, name: str, **status: Any) -> dict[str, Any]:
        """Write an application's status as the operator does."""
        path = f"{GROUP}/namespaces/default/sparkapplications/{name}/status"
        return await self.patch(path, {"status": {"driverInfo": {}} | status})

    async def put_pod(
        self, name: str, *, container: str, node: str | None = "fake-node", **metadata: Any
    ) -> dict[str, Any]:
        """Create a pod that ends at once when it is deleted, on the fake node or on none."""
        pod = {
            "metadata": {"name": name, "namespace": "default"} | metadata,
            "spec": {
                **({"nodeName": node} if node else {}),
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 0,
                "automountServiceAccountToken": False,
                "containers": [{"name": container, "image": "registry.local/none"}],
            },
        }
        return await self.post("/api/v1/namespaces/default/pods", pod)

    async def set_pod_status(self, name: str, **status: Any) -> dict[str, Any]:
        """Write a pod's status as the kubelet does."""
        return await self.patch(f"/api/v1/namespaces/default/pods/{name}/status", {"status": status})

    async def clear(self) -> None:
        """Remove all applications and pods."""
        await self.delete(f"{GROUP}/namespaces/default/sparkapplications")
        await self.delete("/api/v1/namespaces/default/pods", gracePeriodSeconds="0")

    async def _call(self, method: str, path: str, **wanted: Any) -> dict[str, Any]:
        async with self._session.request(method, path, **wanted) as response:
            text = await response.text()
            assert response.status < 300, f"{method} {path}: {response.status} {text[:500]}"
            return json.loads(text)
