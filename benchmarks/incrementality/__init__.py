"""How far the geo reads can be trusted: coverage, false positives, power and speed beside published rivals."""
