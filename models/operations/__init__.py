"""Operating metrics of content work: how long, how often right at once, how much rewritten, at what cost."""

from models.operations.periods import PeriodSpec
from models.operations.summary import ContentLog, OperatingMetric, operating_metrics

__all__ = ["ContentLog", "OperatingMetric", "PeriodSpec", "operating_metrics"]
