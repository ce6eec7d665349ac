"""Many customers compete for one aircraft while Valkey and functions die at random: ``make soak``."""
