"""The seat lock beside other locks: `make bench-locks`."""
