"""The seat service: owns the seats, their ledger, and the seat lock."""
