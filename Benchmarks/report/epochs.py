"""mio-worker through epochs of real shards, with checkpoints and logs at their defaults."""

import dataclasses
import functools
import json
import pathlib
import shutil
import statistics
import sys

from launching import FOLDER, PEERS, PROGRAMS, REPOSITORY, Failure, pinned, run

JOBS = REPOSITORY / "Benchmarks/jobs"


@dataclasses.dataclass(frozen=True)
class Work:
    """A job, and how many made-up samples it is trained on how often."""

    job: pathlib.Path
    samples: int
    epochs: int

    @property
    def name(self):
        return self.job.stem

    @functools.cache
    def shards(self):
        """The folder of the shards, which both mio-worker and `fit` train on. Written anew in each run of the
        report."""
        folder = FOLDER / "shards" / self.name
        shutil.rmtree(folder, ignore_errors=True)
        if self == TWO_HEADS:
            run([str(PROGRAMS / "mio-bench"), "shards", "--model", self.name, "--rows", str(self.samples),
                 "--shards", "4", "--output", str(folder)])
        else:
            run([sys.executable, str(PEERS / "jobs.py"), "--job", str(self.job), "--samples", str(self.samples),
                 "--output", str(folder)])
        return folder

    def worker(self, directory, *settings):
        """The command that trains on the shards from the start, and leaves its files in `directory`."""
        command = [PROGRAMS / "mio-worker", self.job, "--resume", "never"]
        for setting in (f"data.train.files={self.shards()}/train-*.npz", f"run_directory={directory}", *settings):
            command += ["--set", setting]
        return command

    def measure(self):
        """Samples a second: the median of the epochs after the first, of which each counts from the end of the one
        before, its checkpoint included. `data_wait_share`: the part of that time in which a step waited for data."""
        directory = FOLDER / "runs" / self.name
        shutil.rmtree(directory, ignore_errors=True)
        run(pinned(1, self.worker(directory, f"training.epochs={self.epochs}")))
        events = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
        counted = [event for event in events if event["event"] == "epoch"][1:]
        if len(counted) != self.epochs - 1:
            raise Failure(
                f"{directory}/metrics.jsonl: expected {self.epochs} epochs, received {len(counted) + 1}")
        seconds = [self.samples / epoch["samples_per_second"] for epoch in counted]
        waits = [epoch.get("data_wait_seconds") for epoch in counted]
        return {
            "program": "mio-worker",
            "model": self.name,
            "samples": self.samples,
            "epochs": self.epochs,
            "samples_per_second": self.samples / statistics.median(seconds),
            "slowest_epoch_seconds": max(seconds),
            "data_wait_share": None if None in waits else sum(waits) / sum(seconds),
            "loss": counted[-1]["loss"],
        }


@dataclasses.dataclass(frozen=True)
class WholeModel(Work):
    """A model of peers/whole_models.py: a `.keras` file with its job and made-up samples in one folder."""

    @property
    def name(self):
        return self.job.parent.name

    @functools.cache
    def shards(self):
        folder = self.job.parent
        shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, str(PEERS / "whole_models.py"), "--model", self.name, "--samples", str(self.samples),
             "--output", str(folder)])
        return folder


def whole_model(name, samples):
    return WholeModel(FOLDER / "shards" / name / "job.yaml", samples, epochs=3)


TWO_HEADS = Work(JOBS / "two-heads.yaml", samples=65_536, epochs=40)

