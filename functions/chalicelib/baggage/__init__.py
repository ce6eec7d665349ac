"""The baggage service: owns each flight's quota and its ledger."""
