"""The Chalice project: registers the services' blueprints, nothing else."""

from chalice.app import Chalice

from chalicelib.api.routes import blueprint as api
from chalicelib.baggage.handlers import blueprint as baggage
from chalicelib.booking.handlers import blueprint as booking
from chalicelib.flight.handlers import blueprint as flight
from chalicelib.notification.handlers import blueprint as notification
from chalicelib.payment.handlers import blueprint as payment
from chalicelib.pricing.handlers import blueprint as pricing
from chalicelib.recovery.handlers import blueprint as recovery
from chalicelib.seat.handlers import blueprint as seat

app = Chalice(app_name="leleka")
for blueprint in (api, baggage, booking, flight, notification, payment, pricing, recovery, seat):
    app.register_blueprint(blueprint)
