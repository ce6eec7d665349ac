"""Plug-ins that let LocalStack run on a machine without Docker: see the README beside this package."""
