"""Stripe's SDK costs a quarter of a second to import: only the function that moves money pays it."""

import subprocess
import sys

from tests.contract.test_architecture import LIBRARY, MODULES, imports_of

GATEWAY = LIBRARY / "payment" / "stripe_gateway.py"


def test_only_the_stripe_gateway_imports_stripe() -> None:
    """And only bootstrap, inside the gateway's builder, imports the gateway."""
    users = {module for module in MODULES if any(name.split(".")[0] == "stripe" for name in imports_of(module))}
    assert users == {GATEWAY}
    knows = {module.name for module in MODULES if any("stripe_gateway" in name for name in imports_of(module))}
    assert knows <= {"bootstrap.py"}


def test_a_function_that_starts_does_not_load_stripe() -> None:
    """Every handler and bootstrap are imported by app.py; stripe is not among what that loads."""
    program = "import sys, app, chalicelib.bootstrap; sys.exit('stripe' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=LIBRARY.parent, check=True, timeout=60)  # noqa: S603 - our own
