"""Simulators with known truth for tests, the demo company and the benchmarks; pure, without files or clock."""

from models.worlds.demo_company import company
from models.worlds.scenarios import SCENARIOS, scenario
from models.worlds.single_effect import one_effect
from models.worlds.world import World

__all__ = ["SCENARIOS", "World", "company", "one_effect", "scenario"]
