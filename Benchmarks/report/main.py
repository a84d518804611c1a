"""Measures mio and its peers in turn, prints the table, and writes the page of results. scripts/bench runs it."""

import argparse
import datetime
import json
import os
import pathlib
import sys
import time

import machine
import results
import rounds
from launching import FOLDER, REPOSITORY
from rows import GROUPS, ROWS


def arguments():
    names = [row.name for row in ROWS]
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and only the best known options of peers")
    parser.add_argument("--only", action="append", choices=names, metavar="ROW",
                        help=f"one row instead of all; may be repeated: {', '.join(names)}")
    parser.add_argument("--output", type=pathlib.Path,
                        help="where to write the page; without it Benchmarks/RESULTS.md for a complete run, else "
                             ".cache/bench/RESULTS.md")
    return parser.parse_args()


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def main(options):
    began = time.perf_counter()
    rows = [row for row in ROWS if not options.only or row.name in options.only]
    groups = [group for group in GROUPS if any(row.group == group.name for row in rows)]
    is_complete = not options.quick and not options.only
    page = options.output or (REPOSITORY / "Benchmarks" if is_complete else FOLDER) / "RESULTS.md"
    FOLDER.mkdir(parents=True, exist_ok=True)

    load = os.getloadavg()[0]
    if load > 0.5:
        say(f"the load is {load:.1f}: something else is running, and will disturb the times")
    before = machine.Load.now()
    say("measuring the machine's limits")
    limits = machine.all_limits(say)
    measured = {}
    with open(FOLDER / "measurements.jsonl", "w") as log:
        for group in groups:
            measured[group.name] = rounds.measure(group, options.quick, say)
            for index, one in enumerate(measured[group.name].rounds):
                for contestant, result in one.items():
                    line = {"group": group.name, "round": index + 1, "contestant": contestant, **result}
                    print(json.dumps(line), file=log, flush=True)

    found = [rounds.result(row, measured[row.group]) for row in rows]
    stolen, others = machine.Load.now().since(before)
    circumstances = {
        "Date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "Duration": f"{(time.perf_counter() - began) / 60:.0f} minutes"
                    + ("" if is_complete else ", not the complete run: " + (
                        "few rounds" if options.quick else "some rows only")),
        "Load before": f"{load:.2f}",
        "The cores' time that other programs had": f"{max(0, others):.1%}",
        "… and the host": f"{stolen:.1%}",
    }
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join(results.page(found, measured, limits, machine.description(), circumstances)) + "\n")
    print("\n".join(results.text_table(found)))
    say(f"{page} has the table; {FOLDER / 'measurements.jsonl'} every measurement")
    # Bars that are missed are results; rows without a figure are failures.
    return 1 if any(group.failure for group in measured.values()) else 0


if __name__ == "__main__":
    sys.exit(main(arguments()))
