"""Makes `receiver`, which the tests of this folder share, importable."""
