"""The Chalice project: registers the services' blueprints, nothing else.

The API's function is the only one that imports this on Lambda, since each other's handler is in its own service. So
the other services are registered where functions are packaged or tested, and not where they run.
"""

import os

from chalice.app import Chalice

from chalicelib.api.routes import blueprint as api

app = Chalice(app_name="leleka")
app.register_blueprint(api)
if "AWS_LAMBDA_RUNTIME_API" not in os.environ:
    from chalicelib.baggage.handlers import blueprint as baggage
    from chalicelib.booking.handlers import blueprint as booking
    from chalicelib.flight.handlers import blueprint as flight
    from chalicelib.notification.handlers import blueprint as notification
    from chalicelib.payment.handlers import blueprint as payment
    from chalicelib.pricing.handlers import blueprint as pricing
    from chalicelib.recovery.handlers import blueprint as recovery
    from chalicelib.seat.handlers import blueprint as seat

    for blueprint in (baggage, booking, flight, notification, payment, pricing, recovery, seat):
        app.register_blueprint(blueprint)
