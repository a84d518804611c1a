"""What every peer does alike: claims its cores, counts its start, and prints one line of JSON."""

import json
import os
import pathlib
import resource
import statistics
import sys
import time


def seconds_since_process_start():
    """From the kernel's record of when this process began, so that Python's own start counts."""
    fields = pathlib.Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")  # field 22, starttime, counted from field 3
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def peak_memory_bytes():
    """The process' largest resident size so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def claim_cores(count, first=0):
    """Binds the process to `count` of the cores it may use, from the one numbered `first` on.

    Call it before a framework is imported: it then makes as many threads as there are cores. OpenMP and MKL read
    their variables at that moment too.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if count < 1 or first + count > len(allowed):
        sys.exit(f"cores {first} to {first + count - 1}: this process may use {len(allowed)}")
    os.sched_setaffinity(0, allowed[first : first + count])
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(count)


def times(seconds, batch_size):
    """The fields that say how long a step took. `seconds`: of each timed step, or of each call's mean step."""
    median = statistics.median(seconds)
    return {
        "median_step_milliseconds": median * 1e3,
        "fastest_step_milliseconds": min(seconds) * 1e3,
        "slowest_step_milliseconds": max(seconds) * 1e3,
        "samples_per_second": batch_size / median,
    }


def report(fields):
    print(json.dumps(fields), flush=True)
