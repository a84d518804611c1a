"""mio-worker on model 2, through epochs of real shards, with checkpoints and logs at their defaults."""

import functools
import json
import shutil
import statistics

from launching import FOLDER, PROGRAMS, REPOSITORY, Failure, pinned, run

JOB = REPOSITORY / "Benchmarks/jobs/two-heads.yaml"
ROWS = 65_536
EPOCHS = 40


@functools.cache
def shards():
    """The folder of the shards, which both mio-worker and `fit` train on. Written anew in each run of the report."""
    folder = FOLDER / "two-heads"
    shutil.rmtree(folder, ignore_errors=True)
    run([str(PROGRAMS / "mio-bench"), "shards", "--model", "two-heads", "--rows", str(ROWS), "--shards", "4",
         "--output", str(folder)])
    return folder


def worker(directory, *settings):
    """The command that trains on the shards from the start, and leaves its files in `directory`."""
    command = [PROGRAMS / "mio-worker", JOB, "--resume", "never"]
    for setting in (f"data.train.files={shards()}/train-*.npz", f"run_directory={directory}", *settings):
        command += ["--set", setting]
    return command


def measure():
    """Samples a second: the median of the epochs after the first, of which each counts from the end of the one
    before, its checkpoint included. `data_wait_share`: the part of that time in which a step waited for data."""
    directory = FOLDER / "runs/epochs"
    shutil.rmtree(directory, ignore_errors=True)
    run(pinned(1, worker(directory, f"training.epochs={EPOCHS}")))
    events = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    counted = [event for event in events if event["event"] == "epoch"][1:]
    if len(counted) != EPOCHS - 1:
        raise Failure(f"{directory}/metrics.jsonl: expected {EPOCHS} epochs, received {len(counted) + 1}")
    seconds = [ROWS / epoch["samples_per_second"] for epoch in counted]
    waits = [epoch.get("data_wait_seconds") for epoch in counted]
    return {
        "program": "mio-worker",
        "model": "two-heads",
        "batch_size": 32,
        "samples": ROWS,
        "epochs": EPOCHS,
        "samples_per_second": ROWS / statistics.median(seconds),
        "slowest_epoch_seconds": max(seconds),
        "data_wait_share": None if None in waits else sum(waits) / sum(seconds),
        "loss": counted[-1]["loss"],
    }
