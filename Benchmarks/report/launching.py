"""Runs one program on given cores, and reads the line of JSON that it prints."""

import functools
import json
import os
import pathlib
import subprocess
import sys
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = REPOSITORY / ".build/release"
PEERS = REPOSITORY / "Benchmarks/peers"
FOLDER = REPOSITORY / ".cache/bench"
LIMIT_SECONDS = 900


class Failure(Exception):
    """A program that could not be measured: which, and why."""


def cores(count):
    """The first `count` cores that this process may use, as taskset's list."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < count:
        raise Failure(f"needs {count} cores, and may use {len(allowed)}")
    return ",".join(str(core) for core in allowed[:count])


def pinned(count, command):
    return ["taskset", "-c", cores(count), *map(str, command)]


@functools.cache
def quiet():
    """Open MPI 5 has no such option."""
    version = subprocess.run(["mpirun", "--version"], capture_output=True, text=True).stdout
    return ["-q"] if "(Open MPI) 4." in version else []


def under_mpirun(ranks, command):
    """Each rank on a core of its own: mpirun takes the machine's first ones, whatever this process may use."""
    cores(ranks)
    return ["mpirun", *quiet(), "-n", str(ranks), "--bind-to", "core", "--map-by", "core", *map(str, command)]


def environment():
    """This process', with what mpirun wants of root, and the time of the launch."""
    variables = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"} if os.geteuid() == 0 else {}
    return {**os.environ, **variables, "MIO_LAUNCH_TIME": repr(time.time())}


def without_folders(text):
    """A text for the page: where this repository and Python lie on this machine says nothing."""
    return text.replace(f"{REPOSITORY}/", "").replace(f"{sys.prefix}/", "")


def run(command):
    """Returns when the program has ended. Raises `Failure` with its last words if it fails."""
    try:
        ended = subprocess.run(command, env=environment(), stdin=subprocess.DEVNULL, capture_output=True,
                               text=True, timeout=LIMIT_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(without_folders(f"{' '.join(command)}: {error}")) from error
    if ended.returncode != 0:
        words = [line for line in ended.stderr.splitlines() if line.strip()]
        raise Failure(without_folders(
            f"{' '.join(command)}: exit code {ended.returncode}: {' / '.join(words[-3:])}"))
    return ended.stdout


def measure(command):
    """The last line of JSON that the program prints."""
    lines = [line for line in run(command).splitlines() if line.startswith("{")]
    if not lines:
        raise Failure(f"{' '.join(command)}: expected a line of JSON, received none")
    return json.loads(lines[-1])
