"""What every service stands on: errors, configuration, the step decorator, the ledger. Imports no service."""
