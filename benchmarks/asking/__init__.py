"""How asking AI engines stands up to failing providers and killed processes."""
