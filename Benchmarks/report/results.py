"""The report as Markdown, and its table as text for a terminal."""

import physical
import rounds

HOW_TO_READ = """\
`scripts/bench` writes this page. Figures of one run on one machine: compare them with each other, not with another
page's. In a round, mio and its peers are measured one after the other on the same cores, each core alone with one
thread; a row's figure is the median over the rounds of mio's value over the peer's (for start-up, their difference),
and what stands under "mio" and "peer" is the round nearest to it. "from … to" are the rounds' extremes: where
they are far apart, something else was running. Each peer ran as it runs best here; what was tried is below.
"""


LIMITS = """\
The limits are those of a large float32 matrix product (the faster of OpenBLAS and oneDNN) and of a triad, on as many
cores. A Winograd convolution needs fewer operations than are counted here, so it may exceed the first; what fits a
cache may exceed the second.
"""
OTHERS = """\
Models of other kinds, on made-up numbers: `mio-worker` and Keras' `fit` through the same epochs on one core each. The
jobs are in [`jobs/others`](jobs/others).
"""
BESIDE = "Held to nothing. JAX can join many steps in one call if they need nothing from outside.\n"


def table(header, rows):
    yield "| " + " | ".join(header) + " |"
    yield "|" + " --- |" * len(header)
    for row in rows:
        yield "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) + " |"


def verdict(result):
    if result.figure is None:
        return result.why if result.measured else "failed"
    return {True: "yes", False: "**no**", None: ""}[result.holds]


def extremes(result):
    return "" if result.figure is None else f"{result.text(result.lowest)} … {result.text(result.highest)}"


def main_table(results):
    header = ("Work", "Against", "Bar", "Reached", "Holds", "mio", "peer", "from … to")
    return table(header, (
        (one.row.work, one.row.against, one.row.bar_text(), one.text(one.figure), verdict(one), *one.shown,
         extremes(one)) for one in results))


def side_table(results):
    header = ("Work", "Against", "Ratio", "mio", "peer", "from … to")
    return table(header, (
        (one.row.work, one.row.against, one.text(one.figure), *one.shown, extremes(one)) for one in results))


def physical_table(groups, limits):
    for work, reached, limit in physical.of_steps(groups, limits):
        yield work, f"{reached:.1f} GFLOP/s", f"{limit:.1f} GFLOP/s", f"{reached / limit:.0%}"
    for work, reached, limit in physical.of_reductions(groups, limits):
        yield work, f"{reached:.1f} GB/s", f"{limit:.1f} GB/s", f"{reached / limit:.0%}"


COUNTERS = (
    ("allocations", "allocations_per_step"), ("in MPI", "communication_allocations_per_step"),
    ("in oneDNN", "onednn_allocations_per_step"), ("collectives", "collectives_per_step"),
    ("bytes reduced", "bytes_reduced_per_step"), ("floating-point operations", "flops_per_step"),
)


def counter_rows(groups):
    for name, measured in groups.items():
        for result in (measured.rounds[-1] if measured.rounds else {}).values():
            if result.get("steps", 0) > 1 and "allocations_per_step" in result:
                counts = (result.get(field) for _, field in COUNTERS)
                yield (f"{result['model']}, {result['ranks']} × {result['batch_size'] // result['ranks']} samples "
                       f"({name})", *("–" if count is None else f"{count:,}" for count in counts))


def tried_rows(groups):
    for name, measured in groups.items():
        for contestant, tried in measured.tried.items():
            speeds = [one[1]["samples_per_second"] for one in tried if one[1]]
            for chosen, result, failure in tried:
                speed = failure if result is None else rounds.rate(result["samples_per_second"])
                mark = "taken" if result and result["samples_per_second"] == max(speeds) else ""
                yield name, contestant, " ".join(chosen) or "as it is", speed, mark


def versions(groups):
    found = {}
    for measured in groups.values():
        for one in measured.rounds:
            for result in one.values():
                found |= result.get("versions", {})
    return ", ".join(f"{name} {version}" for name, version in sorted(found.items()))


def page(results, groups, limits, machine, circumstances):
    held = [one for one in results if one.row.bar is not None]
    others = [one for one in results if one.row.is_other_model]
    beside = [one for one in results if one.row.bar is None and not one.row.is_other_model]
    reached = sum(one.holds is True for one in held)
    yield "# Results\n"
    yield HOW_TO_READ
    if held:
        yield f"{reached} of {len(held)} bars hold.\n"
        yield from main_table(held)
    for name, failure in ((name, one.failure) for name, one in groups.items() if one.failure):
        yield f"\n`{name}` failed: `{failure}`"
    if beside:
        yield "\n## Beside it\n"
        yield BESIDE
        yield from side_table(beside)
    if others:
        yield "\n## Other models\n"
        yield OTHERS
        yield from side_table(others)
    yield "\n## Against the machine\n"
    fractions = list(physical_table(groups, limits))
    if fractions:
        yield LIMITS
        yield from table(("Work", "Reached", "Limit", "Part"), fractions)
    else:
        yield "Not measured: `mio-bench limits` or the work it is compared with gave no result in this run."
    yield "\n## Counters\n\nOf one rank in one step after warm-up: the same in every run.\n"
    yield from table(("Work", *(title for title, _ in COUNTERS)), counter_rows(groups))
    tried = list(tried_rows(groups))
    if tried:
        yield "\n## What was tried with the peers\n\nSamples a second in the first round.\n"
        yield from table(("Group", "Peer", "Options", "Samples/s", ""), tried)
    yield "\n## The machine and the run\n"
    yield from table(("", ""), [*machine.items(), ("Peers", versions(groups)), *circumstances.items()])


def text_table(results):
    """For a terminal: a line for each row."""
    for one in results:
        bar = f"bar {one.row.bar_text()}" if one.row.bar is not None else "no bar"
        outcome = {True: "yes", False: "NO", None: ""}[one.holds] if one.figure is not None else verdict(one)
        work = f"{one.row.work} against {one.row.against}"
        yield f"{one.row.name:16} {one.text(one.figure):>9}  {bar:14} {outcome:4} {work}"
