"""Paired comparison: the median of what each pair says, and how sure that is."""
import random
import statistics
from dataclasses import dataclass

RESAMPLES = 4000


@dataclass(frozen=True)
class Estimate:
    """A median with its bootstrap interval of 95 %."""
    median: float
    low: float
    high: float

    def judge(self, bar):
        """What a bar that the median must not exceed says; an interval that holds the bar is said to."""
        verdict = "met" if self.median <= bar else "missed"
        return verdict if self.high <= bar or self.low > bar else f"{verdict}, within noise"


def estimate(values):
    """Resamples with a fixed seed, so that a report can be made again from its raw values."""
    source = random.Random(1)
    medians = sorted(statistics.median(source.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return Estimate(statistics.median(values), medians[int(0.025 * RESAMPLES)], medians[int(0.975 * RESAMPLES) - 1])


def paired_ratio(ours, theirs):
    return estimate([mine / other for mine, other in zip(ours, theirs, strict=True)])


def paired_difference(ours, theirs):
    return estimate([mine - other for mine, other in zip(ours, theirs, strict=True)])
