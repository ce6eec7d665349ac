"""Growth: what a request asks of the tables when flights and bookings grow, and what the reconciler asks."""
