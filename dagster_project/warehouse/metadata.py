"""A picture as asset metadata: small enough for the event log, with words for those who cannot see it."""

from __future__ import annotations

import base64

import dagster as dg

LARGEST = 100_000


def picture(png: bytes, alt: str) -> dg.MetadataValue:
    """The PNG inline as Markdown; one too large for the event log is replaced by a sentence that says so."""
    if len(png) > LARGEST:
        return dg.MetadataValue.text(f"{alt}: the picture has {len(png)} bytes, more than the event log should hold")
    return dg.MetadataValue.md(f"![{alt}](data:image/png;base64,{base64.b64encode(png).decode()})")
