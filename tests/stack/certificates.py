"""A certificate authority for each cluster, and what it signs. Made by openssl."""

from pathlib import Path

from tests.stack.host.commands import run
from tests.stack.layout import BRIDGE_ADDRESS, KUBERNETES_SERVICE, NODE, Cluster

_DAYS = "30"
_SERVER_NAMES = (
    "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,"
    f"DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:{KUBERNETES_SERVICE},IP:{BRIDGE_ADDRESS}"
)
#: File name -> (subject, extension). The organisation is the Kubernetes group.
_SIGNED = {
    "apiserver": ("/CN=kube-apiserver", f"subjectAltName={_SERVER_NAMES}"),
    "kubelet-client": ("/O=system:masters/CN=kube-apiserver-kubelet-client", None),
    "admin": ("/O=system:masters/CN=moka-stack", None),
    "kubelet": (f"/O=system:nodes/CN=system:node:{NODE}", f"subjectAltName=DNS:{NODE},IP:{BRIDGE_ADDRESS}"),
    "kube-proxy": ("/CN=system:kube-proxy", None),
    "controller-manager": ("/CN=system:kube-controller-manager", None),
    "scheduler": ("/CN=system:kube-scheduler", None),
}

#: Read by Spark's Kubernetes client, which takes elliptic keys only with a library that Spark does not ship.
_RSA = {"admin"}
_NODE_ONLY = {"kubelet-client", "kubelet", "kube-proxy"}


def directory(cluster: Cluster) -> Path:
    return cluster.directory / "pki"


def ensure(cluster: Cluster) -> Path:
    """Make what is missing of the cluster's keys and certificates; returns their folder."""
    home = directory(cluster)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (home / "ca.crt").exists():
        _authority(home)
    if not (home / "service-account.key").exists():
        run("openssl", "genrsa", "-out", home / "service-account.key", "2048")
        run(
            "openssl",
            "rsa",
            "-in",
            home / "service-account.key",
            "-pubout",
            "-out",
            home / "service-account.pub",
        )
    for name, (subject, extension) in _SIGNED.items():
        wanted = cluster.fake_architecture is None or name not in _NODE_ONLY
        if wanted and not (home / f"{name}.crt").exists():
            _sign(home, name, subject, extension)
    return home


def _authority(home: Path) -> None:
    subject = ["-subj", "/CN=moka-stack-ca", "-days", _DAYS]
    use = ["-addext", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature"]
    run("openssl", "req", "-x509", *subject, *_new_key(home, "ca"), *use, "-out", home / "ca.crt")


def _sign(home: Path, name: str, subject: str, extension: str | None) -> None:
    request, extensions = home / f"{name}.csr", home / f"{name}.ext"
    run("openssl", "req", "-new", "-subj", subject, *_new_key(home, name), "-out", request)
    extensions.write_text(
        "extendedKeyUsage=serverAuth,clientAuth\n" + (f"{extension}\n" if extension else "")
    )
    signer = ["-CA", home / "ca.crt", "-CAkey", home / "ca.key", "-CAcreateserial", "-days", _DAYS]
    run(
        "openssl",
        "x509",
        "-req",
        "-in",
        request,
        *signer,
        "-extfile",
        extensions,
        "-out",
        home / f"{name}.crt",
    )
    request.unlink()
    extensions.unlink()


def _new_key(home: Path, name: str) -> list[str | Path]:
    kind = ["rsa:2048"] if name in _RSA else ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    return ["-newkey", *kind, "-nodes", "-keyout", home / f"{name}.key"]
