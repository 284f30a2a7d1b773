"""The pattern feed for content agents, over HTTP and as a list."""

from __future__ import annotations

from feedback.serve.feed import app, feed_list
from feedback.serve.listening import serve

__all__ = ["app", "feed_list", "serve"]
