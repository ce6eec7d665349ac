"""Seeds a stage: flights, seats, fares and baggage quota, computed from two small files and a data set of airports."""

from leleka.seed.data import SeedError
from leleka.seed.items import SeedItems, compute
from leleka.seed.writer import SeedReport, seed

__all__ = ["SeedError", "SeedItems", "SeedReport", "compute", "seed"]
