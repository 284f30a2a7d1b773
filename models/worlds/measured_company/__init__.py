"""Companies for the benchmark of the one number: weekly exports, tests and claims, each with its truth beside it."""

from models.worlds.measured_company.company import MeasuredCompany, measured_company

__all__ = ["MeasuredCompany", "measured_company"]
