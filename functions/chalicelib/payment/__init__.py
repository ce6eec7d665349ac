"""The payment service: owns the payments ledger, and talks to the gateway."""
