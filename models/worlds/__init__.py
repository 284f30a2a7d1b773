"""Simulators with known truth for tests, the demo companies and the benchmarks; pure, without files or clock."""

from models.worlds.demo_company import company, roster_of, world_of
from models.worlds.scenarios import SCENARIOS, scenario
from models.worlds.single_effect import one_effect
from models.worlds.world import World

__all__ = ["SCENARIOS", "World", "company", "one_effect", "roster_of", "scenario", "world_of"]
