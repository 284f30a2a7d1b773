"""Makes `made_requests`, which the tests of this folder share, importable."""
