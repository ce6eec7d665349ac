"""Leleka's command line, deployment and local runner. Nothing here reaches Lambda."""
