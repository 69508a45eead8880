"""All rules of one namespace."""

from __future__ import annotations

from archer.translate.admission.ground import Ground
from archer.translate.admission.rules.conf import conf, sizes
from archer.translate.admission.rules.identity import identity, unchanged
from archer.translate.admission.rules.pod import ROLES, pod
from archer.translate.admission.rules.program import program
from archer.translate.admission.rules.rule import Rule


def every_rule(ground: Ground) -> list[Rule]:
    """Everything that an application in this namespace must keep to."""
    return [
        *identity(ground),
        *program(ground),
        *conf(ground),
        *sizes(ground),
        *(rule for role in ROLES for rule in pod(ground, role)),
        *unchanged(),
    ]
