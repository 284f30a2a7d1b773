"""Which features of creative work help, learned inside briefs, and which of them may be passed to content agents."""

from __future__ import annotations

from models.patterns.arms import split_check
from models.patterns.assignment import AssignmentRefused, Draw, ExposureRules, MenuCard, draw, inclusion_probabilities
from models.patterns.differences import Interaction, interactions
from models.patterns.estimates import Estimate, PatternEstimates
from models.patterns.examples import ExamplePool, Examples
from models.patterns.feed_experiment import FeedLift, FeedPlan, MoneyPerLogOdds, feed_lift, pair_sd_of, pairs_needed
from models.patterns.learning import learn, prior_pack
from models.patterns.lifecycle import Decision, as_experiments, promote, replay
from models.patterns.money import MoneyEffect, MoneyRate, in_money, money_rate
from models.patterns.prior import PriorPack
from models.patterns.spec import LearnSpec, PromotionPolicy
from models.patterns.winning_pieces import QueuedTest, Winner, queue_tests, winners

__all__ = [
    "AssignmentRefused",
    "Decision",
    "Draw",
    "Estimate",
    "ExamplePool",
    "Examples",
    "ExposureRules",
    "FeedLift",
    "FeedPlan",
    "Interaction",
    "LearnSpec",
    "MenuCard",
    "MoneyEffect",
    "MoneyPerLogOdds",
    "MoneyRate",
    "PatternEstimates",
    "PriorPack",
    "PromotionPolicy",
    "QueuedTest",
    "Winner",
    "as_experiments",
    "draw",
    "feed_lift",
    "in_money",
    "inclusion_probabilities",
    "interactions",
    "learn",
    "money_rate",
    "pair_sd_of",
    "pairs_needed",
    "prior_pack",
    "promote",
    "queue_tests",
    "replay",
    "split_check",
    "winners",
]
