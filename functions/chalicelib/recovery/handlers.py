"""Lambda entry point of the recovery service."""

import time

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.recovery import logic
from chalicelib.recovery.models import ReconcileCommand, Reconciled
from chalicelib.shared.step import step

blueprint = Blueprint(__name__)


@blueprint.lambda_function(name="Reconcile")
@step(ReconcileCommand)
def reconcile(command: ReconcileCommand) -> Reconciled:
    """By a schedule, for each execution that ended outside its own Catch, and by hand for one booking."""
    return logic.reconcile(command, bootstrap.recovery_services(), time.monotonic)
