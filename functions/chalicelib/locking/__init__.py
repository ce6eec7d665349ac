"""The seat lock. It turns losers away in one round trip and is never the authority; it imports no service."""
