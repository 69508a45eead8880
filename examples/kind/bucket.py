"""Make a bucket and empty keys in it: ``bucket.py ENDPOINT BUCKET KEY...``, keys from the environment.

Spark looks for the folder of its event logs and does not make it. Source: AWS Signature Version 4.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sys
import urllib.error
import urllib.request
from datetime import datetime, timezone
from urllib.parse import quote, urlsplit

REGION = "us-east-1"
EMPTY = hashlib.sha256(b"").hexdigest()


def put(endpoint: str, path: str) -> None:
    """Send one signed PUT without a body. What is there already stays."""
    moment = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")  # noqa: UP017  (any Python 3 of an image)
    headers = {"host": urlsplit(endpoint).netloc, "x-amz-content-sha256": EMPTY, "x-amz-date": moment}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"PUT\n{quote(path)}\n\n{lines}\n{names}\n{EMPTY}"
    scope = f"{moment[:8]}/{REGION}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = b"AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"].encode()
    for word in scope.split("/"):
        key = hmac.new(key, word.encode(), "sha256").digest()
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    account = f"{os.environ['AWS_ACCESS_KEY_ID']}/{scope}"
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={account}, SignedHeaders={names}, Signature={signature}"
    )
    call = urllib.request.Request(f"{endpoint}{quote(path)}", method="PUT", headers=headers)  # noqa: S310
    try:
        urllib.request.urlopen(call, timeout=30).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code != 409:
            raise


if __name__ == "__main__":
    server, bucket, *keys = sys.argv[1:]
    put(server, f"/{bucket}")
    for name in keys:
        put(server, f"/{bucket}/{name}")
