"""A client for the stack's S3 server, as small as tests need: put, get, list.

Objects go in through the protocol, never as files, because S3A wants the entity tags that the server keeps.
"""

import hashlib
import hmac
import json
import secrets
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from tests.stack.layout import S3_BUCKET, S3_ENDPOINT, S3_FILE

REGION = "us-east-1"


@dataclass(frozen=True)
class Credentials:
    access_key: str
    secret_key: str


def credentials() -> Credentials:
    """The server's account; made up at the first call and kept for the life of the stack."""
    if not S3_FILE.exists():
        S3_FILE.parent.mkdir(parents=True, exist_ok=True)
        S3_FILE.touch(mode=0o600)
        fresh = Credentials("moka" + secrets.token_hex(8), secrets.token_hex(20))
        S3_FILE.write_text(
            json.dumps({"endpoint": S3_ENDPOINT, "bucket": S3_BUCKET, **asdict(fresh)}, indent=1)
        )
    stored = json.loads(S3_FILE.read_text())
    return Credentials(stored["access_key"], stored["secret_key"])


def put(key: str, body: bytes) -> None:
    _call("PUT", f"/{S3_BUCKET}/{key}", body=body)


def get(key: str) -> bytes:
    return _call("GET", f"/{S3_BUCKET}/{key}")


def keys(prefix: str = "") -> list[str]:
    """The first thousand keys that begin with *prefix*."""
    page = ET.fromstring(_call("GET", f"/{S3_BUCKET}", query={"list-type": "2", "prefix": prefix}))
    return [entry.text or "" for entry in page.iter() if entry.tag.endswith("}Key") or entry.tag == "Key"]


def ensure_bucket() -> None:
    try:
        _call("PUT", f"/{S3_BUCKET}")
    except urllib.error.HTTPError as error:
        if error.code != 409:  # ours already
            raise


def _call(method: str, path: str, *, query: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """One signed request. Source: AWS Signature Version 4, with the payload's hash in a header."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    payload = hashlib.sha256(body).hexdigest()
    host = urllib.parse.urlsplit(S3_ENDPOINT).netloc
    path = urllib.parse.quote(path)
    sorted_query = urllib.parse.urlencode(sorted((query or {}).items()), quote_via=urllib.parse.quote)
    signed = {"host": host, "x-amz-content-sha256": payload, "x-amz-date": moment}
    lines = [f"{name}:{value}" for name, value in signed.items()]
    canonical = "\n".join([method, path, sorted_query, *lines, "", ";".join(signed), payload])
    scope = f"{moment[:8]}/{REGION}/s3/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    account = credentials()
    key = f"AWS4{account.secret_key}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    claim = (
        f"Credential={account.access_key}/{scope}, SignedHeaders={';'.join(signed)}, Signature={signature}"
    )
    headers = {**signed, "Authorization": f"AWS4-HMAC-SHA256 {claim}"}
    url = f"{S3_ENDPOINT}{path}" + (f"?{sorted_query}" if sorted_query else "")
    request = urllib.request.Request(url, data=body or None, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()
