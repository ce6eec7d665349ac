"""The flight service: owns the flights."""
