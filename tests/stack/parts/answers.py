"""Whether a server answers: the conditions that starting parts wait for."""

import socket
import ssl
import urllib.error
import urllib.request


def http_ok(url: str) -> bool:
    """Whether *url* answers 2xx, whoever it is: certificates are not looked at."""
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    try:
        with urllib.request.urlopen(url, timeout=2, context=trusting):
            return True
    except (OSError, urllib.error.URLError):
        return False


def port_open(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
