"""The seat lock against real servers: one, a Sentinel group, a cluster, and independent ones."""
