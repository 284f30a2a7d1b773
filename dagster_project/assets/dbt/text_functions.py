"""What SQL cannot compute of two texts, as a function that dbt's models call: `edit_ratio(draft, final)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt.adapters.duckdb.plugins import BasePlugin

from models.operations.edit_distance import edit_ratio

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class Plugin(BasePlugin):
    """Named in dbt/profiles.yml; dbt-duckdb asks for a class of this name."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Make `edit_ratio` known to the connection; null in, null out."""
        conn.create_function("edit_ratio", edit_ratio, ["VARCHAR", "VARCHAR"], "DOUBLE")
