"""From a launch to the end of model 2's first step, against the start of MPI alone.

All under `mpirun -n 1`, counted from just before it. What they are held against is the moment at which `MPI_Init`
returns, not the end of that program: the sooner of the two.
"""

import shutil
import subprocess
import time

import epochs
from launching import (FOLDER, LIMIT_SECONDS, PROGRAMS, REPOSITORY, Failure, environment, measure, run, under_mpirun,
                       without_folders)

_compiled = None


def mpi_init():
    global _compiled
    if _compiled is None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        program = FOLDER / "mpi_init"
        run(["mpicc", "-O2", "-std=gnu11", "-o", str(program), str(REPOSITORY / "Benchmarks/startup/mpi_init.c")])
        _compiled = program
    measured = measure(under_mpirun(1, [_compiled]))
    return {**measured, "seconds": measured["initialized_seconds"]}


def mio_bench():
    measured = measure(under_mpirun(
        1, [PROGRAMS / "mio-bench", "run", "--model", "two-heads", "--steps", "1", "--warm-up", "1"]))
    return {**measured, "seconds": measured["first_step_seconds"]}


def mio_worker():
    """To the first line of metrics.jsonl, which is written after the first step: a little later than its end."""
    directory = FOLDER / "runs/startup"
    shutil.rmtree(directory, ignore_errors=True)
    metrics = directory / "metrics.jsonl"
    command = under_mpirun(1, epochs.TWO_HEADS.worker(directory, "training.epochs=1"))
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    seconds = None
    while seconds is None and process.poll() is None:
        if metrics.exists() and metrics.stat().st_size > 0:
            seconds = time.perf_counter() - began
        else:
            time.sleep(0.001)
        if time.perf_counter() - began > LIMIT_SECONDS:
            process.kill()
    _, errors = process.communicate()
    if process.returncode != 0 or seconds is None:
        raise Failure(without_folders(f"{' '.join(command)}: exit code {process.returncode}: {errors.strip()}"))
    return {"program": "mio-worker", "model": "two-heads", "batch_size": 32, "seconds": seconds}
