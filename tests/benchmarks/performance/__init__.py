"""`make bench`: what the design costs and how fast it is, part by part, and docs/PERFORMANCE.md."""
