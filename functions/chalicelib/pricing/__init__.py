"""The pricing service: owns the fares."""
