"""The REST API: what a customer's browser talks to. It owns no data; every answer comes from a service."""
