"""What tests do to a cluster's etcd behind the back of its API server."""

import base64
import json
import urllib.error
import urllib.request
from typing import Any

from tests.stack.layout import Cluster


def compact(cluster: Cluster) -> int:
    """Throw away all history before now, and return the revision that is left.

    The API server still serves watches from its cache; started again, it answers 410 Gone to older versions.
    """
    revision = int(_call(cluster, "kv/range", {"key": _encoded("/")})["header"]["revision"])
    try:
        _call(cluster, "kv/compaction", {"revision": revision, "physical": True})
    except urllib.error.HTTPError as error:
        if b"has been compacted" not in error.read():  # nothing has happened since the last time
            raise
    return revision


def _call(cluster: Cluster, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """One request to etcd's JSON gateway."""
    url = f"http://127.0.0.1:{cluster.etcd_port}/v3/{path}"
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def _encoded(key: str) -> str:
    return base64.b64encode(key.encode()).decode()
