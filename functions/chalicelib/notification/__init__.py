"""The notification service: tells the customer, once a booking and kind. Owns the record of what was sent."""
