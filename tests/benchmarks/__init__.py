"""Measurements, each in an environment of its own; pytest collects nothing here."""
