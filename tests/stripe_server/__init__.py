"""A small Stripe for tests: PaymentIntents, refunds and idempotency, as Stripe documents them.

What it answers is pinned by ``tests/functional/test_stripe_server.py``, whose checks run against Stripe's own test mode
as well when ``STRIPE_SECRET_KEY`` is set. Not affiliated with Stripe.
"""

from tests.stripe_server.server import StripeServer

__all__ = ["StripeServer"]
