"""Where the project is."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
"""The root of the checkout; `leleka` is installed as editable, so this file is in it."""
