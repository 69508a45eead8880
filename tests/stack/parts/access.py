"""What every cluster offers to jobs: the operator's definitions, namespaces, accounts, S3 credentials."""

from typing import Any

from tests.stack import s3
from tests.stack.build.binaries import built
from tests.stack.host.processes import wait
from tests.stack.kubectl import apply, apply_files, get, is_there
from tests.stack.layout import JOB_NAMESPACES, Cluster

DRIVER_ACCOUNT = "spark"
S3_SECRET = "moka-s3"


def grant(cluster: Cluster) -> None:
    apply_files(cluster, *sorted((built("spark-operator") / "crds").glob("*.yaml")))
    wait(
        f"SparkApplications served by {cluster.name}",
        lambda: is_there(cluster, "sparkapplications.sparkoperator.k8s.io", "--all-namespaces"),
        seconds=60,
    )
    apply(
        cluster, *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in JOB_NAMESPACES)
    )
    apply(cluster, *(thing for n in JOB_NAMESPACES for thing in [*_driver_access(n), _credentials(n)]))
    wait(f"accounts in {cluster.name}", lambda: _accounts_exist(cluster), seconds=60)


def _accounts_exist(cluster: Cluster) -> bool:
    """Whether the controller manager has made each namespace's own account; no pod is accepted before."""
    accounts = get(cluster, "serviceaccounts", "--all-namespaces")["items"]
    owners = {a["metadata"]["namespace"] for a in accounts if a["metadata"]["name"] == "default"}
    return owners.issuperset(JOB_NAMESPACES)


def _driver_access(namespace: str) -> list[dict[str, Any]]:
    """A driver makes and deletes its executors, their service, configuration and volumes; nothing else."""
    metadata = {"name": DRIVER_ACCOUNT, "namespace": namespace}
    group = "rbac.authorization.k8s.io"
    resources = ["pods", "services", "configmaps", "persistentvolumeclaims"]
    verbs = ["create", "get", "list", "watch", "update", "patch", "delete", "deletecollection"]
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {
            "apiVersion": f"{group}/v1",
            "kind": "Role",
            "metadata": metadata,
            "rules": [{"apiGroups": [""], "resources": resources, "verbs": verbs}],
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": DRIVER_ACCOUNT},
            "subjects": [{"kind": "ServiceAccount", **metadata}],
        },
    ]


def _credentials(namespace: str) -> dict[str, Any]:
    """The names are those that the AWS libraries look for, so a pod takes the secret whole (`envFrom`)."""
    account = s3.credentials()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": S3_SECRET, "namespace": namespace},
        "stringData": {"AWS_ACCESS_KEY_ID": account.access_key, "AWS_SECRET_ACCESS_KEY": account.secret_key},
    }
