"""Makes `served_page`, which the tests of this folder share, importable."""
