"""What the public study printed for four packages at a nominal 95 % (research.getrecast.com/geolift-sim-study)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """Coverage at +7.5 %, false positives at no effect, power at +7.5 %, mean width of the interval in KPI units."""

    package: str
    scenario: str
    coverage: float
    false_positives: float
    power: float
    width: float


def _rows(package: str, *cells: tuple[float, float, float, float]) -> list[Published]:
    return [Published(package, name, *cell) for name, cell in zip(("A1", "A2", "A3", "A4"), cells, strict=True)]


PUBLISHED = (
    *_rows(
        "CausalImpact",
        (0.722, 0.278, 0.62, 694),
        (0.700, 0.300, 0.63, 3489),
        (0.711, 0.289, 0.66, 687),
        (0.705, 0.295, 0.52, 695),
    ),
    *_rows(
        "CausalPy (predictive)",
        (0.803, 0.198, 0.34, 749),
        (0.821, 0.182, 0.36, 3753),
        (0.824, 0.180, 0.35, 774),
        (0.759, 0.248, 0.37, 719),
    ),
    *_rows(
        "matched_markets TBR",
        (0.831, 0.169, 0.43, 833),
        (0.817, 0.183, 0.47, 4170),
        (0.809, 0.191, 0.53, 829),
        (0.855, 0.145, 0.34, 915),
    ),
    *_rows(
        "GeoLift (ridge, conformal)",
        (0.922, 0.046, 0.087, 2020),
        (0.936, 0.042, 0.090, 9955),
        (0.925, 0.049, 0.107, 1926),
        (0.951, 0.033, 0.043, 5575),
    ),
)


def geolift(scenario: str) -> Published:
    """The rival whose intervals hold."""
    return next(row for row in PUBLISHED if row.package.startswith("GeoLift") and row.scenario == scenario)
