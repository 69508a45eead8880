"""Why a driver does not run yet, in words for people, from what kubelet and scheduler say of its pod.

The words of one cause stay the same from look to look, since each change of them is a change of the job.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from archer.domain.diagnosis import CONTAINER_REASONS
from archer.domain.masking import masked_text
from archer.domain.states import Reason

MAX_WORDS_LENGTH: Final = 500
IMAGE_REASONS: Final = frozenset(name for name, why in CONTAINER_REASONS.items() if why is Reason.IMAGE)
HOPELESS: Final = "InvalidImageName"  # no pull can ever succeed; the kubelet does not try
# Of conditions and events of kube-scheduler and of YuniKorn (yunikorn-k8shim pkg/cache, context.go, task.go).
SCHEDULING_REASONS: Final = frozenset(
    {
        "Unschedulable",
        "SchedulerError",
        "FailedScheduling",
        "SchedulingSkipped",
        "Scheduling",
        "SchedulingGated",
    }
)
SLOT: Final = "WaitingForSlot"  # of a local cluster
NOTHING: Final = frozenset({"", "ContainerCreating", "PodInitializing", "ContainersNotReady"})
# The kubelet tells the same failure in turns by two reasons. Source: pkg/kubelet/images/image_manager.go.
BACK_OFF: Final = re.compile(r'^Back-off pulling image "[^"]*"(: (ErrImagePull|RegistryUnavailable): )?')


@dataclass(frozen=True, slots=True)
class Pending:
    """What a driver waits for; *image_failure* is the kubelet's own text while its image cannot be pulled."""

    words: str | None
    image_failure: str | None = None
    is_hopeless: bool = False


def waits_for(*, reason: str, message: str, image: str) -> Pending:
    """Say what a driver waits for; no words when nothing is wrong, or nobody has said yet.

    Args:
        reason: Of its waiting container, its pod's condition or the last event.
        message: Beside the reason.
        image: Of the container that waits; may be empty.
    """
    if reason in NOTHING:
        return Pending(None)
    said = masked_text(" ".join(message.split()))
    if reason in IMAGE_REASONS:
        detail = BACK_OFF.sub("", said)
        words = _cut(f"the image {image} cannot be pulled" if image else "its image cannot be pulled", detail)
        return Pending(words, f"{reason}: {said}".removesuffix(": "), reason == HOPELESS)
    if reason == SLOT:
        return Pending("waits for a free slot of the cluster")
    if reason in SCHEDULING_REASONS:
        return Pending(_cut("the scheduler has not placed the driver yet", said))
    return Pending(_cut(f"the driver does not start: {reason}", said))


def _cut(words: str, detail: str) -> str:
    return (f"{words}: {detail}" if detail else words)[:MAX_WORDS_LENGTH]
