"""Makes `made_cards`, which tests of several rooms share, importable, and offers every store of the memory."""

from memory_stores import open_store, postgres_dsn, redis_url

__all__ = ["open_store", "postgres_dsn", "redis_url"]
