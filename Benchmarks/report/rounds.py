"""Measures a group: its contestants in turn, round after round."""

import dataclasses
import statistics
import time

import contestants
from launching import Failure


@dataclasses.dataclass
class Measured:
    """A group's measurements: a dictionary by contestant's name for each round; or why there are none."""

    rounds: list = dataclasses.field(default_factory=list)
    tried: dict = dataclasses.field(default_factory=dict)  # contestant → [(options, measurement, failure)]
    failure: str | None = None

    def median(self, contestant, field):
        """`None` where the contestant does not tell."""
        values = [one[contestant].get(field) for one in self.rounds]
        return None if not values or None in values else statistics.median(values)


def measure(group, is_quick, say):
    measured = Measured()
    chosen = {}
    count = group.quick_rounds if is_quick else group.rounds
    for index in range(count):
        results = {}
        for contestant in group.contestants:
            began = time.perf_counter()
            try:
                if contestant.name not in chosen:
                    chosen[contestant.name], result, tried = contestants.best(contestant, is_quick)
                    if len(tried) > 1:
                        measured.tried[contestant.name] = tried
                else:
                    result = contestant.measure(list(chosen[contestant.name]))
            except Failure as failure:
                measured.failure = str(failure)
                say(f"{group.name}: {failure}")
                return measured
            results[contestant.name] = result
            say(f"{group.name}, round {index + 1} of {count}: {contestant.name}{brief(result)} "
                f"({time.perf_counter() - began:.0f} s)")
        measured.rounds.append(results)
    return measured


def rate(samples_per_second):
    """With four digits at least, and no exponent."""
    return f"{samples_per_second:,.4g}" if samples_per_second < 1000 else f"{samples_per_second:,.0f}"


def brief(result):
    if "samples_per_second" in result:
        return f", {rate(result['samples_per_second'])} samples/s"
    return f", {result['seconds']:.3f} s" if "seconds" in result else ""


@dataclasses.dataclass(frozen=True)
class Result:
    """What a row came to. The figure is the median of the rounds' figures, so that what disturbs one round as a
    whole, or changes between rounds, does not favour a side."""

    row: object
    figure: float | None
    lowest: float | None = None
    highest: float | None = None
    shown: tuple = ("", "")
    measured: bool = True  # all contestants ran
    why: str | None = None  # there is no figure all the same

    @property
    def holds(self):
        return None if self.figure is None or self.row.bar is None else self.row.holds(self.figure)

    def text(self, value):
        return "–" if value is None else self.row.format.format(value)


def result(row, measured):
    if measured.failure is not None:
        return Result(row, None, measured=False)
    figures = [row.figure(one) for one in measured.rounds]
    if None in figures:
        return Result(row, None, why="not measured")
    median = statistics.median(figures)
    # What to show: the round nearest the median.
    nearest = min(range(len(figures)), key=lambda index: abs(figures[index] - median))
    return Result(row, median, min(figures), max(figures), row.show(measured.rounds[nearest]))
