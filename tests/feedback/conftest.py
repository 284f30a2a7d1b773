"""Makes `made_cards`, which tests of several rooms share, importable."""
