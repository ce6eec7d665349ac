"""Contention: many customers at once for few seats, with the lock and with the database alone."""
