"""YuniKorn, the scheduler of jobs, with the queues of ``manifests/queues.yaml``, without its webhook."""

from tests.stack import kubeconfig
from tests.stack.build.binaries import binary
from tests.stack.host.processes import start, wait
from tests.stack.kubectl import apply
from tests.stack.layout import MANIFESTS, MOKA_A, PAUSE_IMAGE, YUNIKORN_ADDRESS
from tests.stack.parts.answers import http_ok

_NAMESPACE = "yunikorn"


def start_yunikorn() -> None:
    apply(
        MOKA_A,
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "yunikorn-configs", "namespace": _NAMESPACE},
            "data": {
                "queues.yaml": (MANIFESTS / "queues.yaml").read_text(),
                "service.placeholderImage": PAUSE_IMAGE,
                "event.trackingEnabled": "true",
            },
        },
    )
    environment = {"KUBECONFIG": str(kubeconfig.of_part(MOKA_A, "admin")), "NAMESPACE": _NAMESPACE}
    process = start("yunikorn", [binary("yunikorn")], environment)
    queues = f"{YUNIKORN_ADDRESS}/ws/v1/partition/default/queue/root.tier1.ads"
    wait("YuniKorn's queues", lambda: http_ok(queues), seconds=60, process=process)
