"""The booking service: owns the bookings, their ids and their state."""
