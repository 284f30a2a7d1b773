"""The error of the media mix model."""

from __future__ import annotations

from models.error import PlumblineError


class MMMError(PlumblineError, ValueError):
    """Data, arguments or a model that do not allow a trustworthy fit; the message names the change that does."""
