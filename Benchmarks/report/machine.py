"""The machine: its name, its limits, and whether something else was running on it."""

import dataclasses
import os
import pathlib
import platform
import re
import subprocess

from launching import PROGRAMS, Failure, measure, pinned


def processor():
    found = re.search(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found.group(1) if found else platform.processor()


def vector_extensions():
    """What decides how fast arithmetic can be."""
    flags = pathlib.Path("/proc/cpuinfo").read_text().split()
    return [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags]


def memory_gigabytes():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


def description():
    extensions = ", ".join(vector_extensions()) or "none of AVX2, AVX-512, AMX"
    return {
        "Processor": f"{processor()} ({extensions})",
        "Cores": str(len(os.sched_getaffinity(0))),
        "Memory": f"{memory_gigabytes():.0f} GB",
        "System": f"{platform.system()} {platform.release()}, {distribution()}",
        "Compiler": first_line(["swift", "--version"]),
        "MPI": first_line(["mpirun", "--version"]),
        "mio": revision(),
    }


def distribution():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return "unknown"


def revision():
    commit = first_line(["git", "rev-parse", "--short", "HEAD"])
    changed = subprocess.run(["git", "status", "--porcelain", "--untracked-files=no"], capture_output=True, text=True)
    return commit + (" and changes" if changed.stdout.strip() else "")


@dataclasses.dataclass(frozen=True)
class Load:
    """What all cores have done so far, in seconds: differences tell how much of a time went to others."""

    total: float
    stolen: float  # by the host, for other machines of its
    others: float  # spent in programs that this one did not start

    @staticmethod
    def now():
        # user, nice, system, idle, iowait, irq, softirq, steal
        ticks = [int(field) for field in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        user, nice, system, idle, waiting, irq, softirq, stolen = (
            tick / os.sysconf("SC_CLK_TCK") for tick in ticks)
        own = os.times()
        others = user + nice + system - (own.user + own.system + own.children_user + own.children_system)
        return Load(user + nice + system + idle + waiting + irq + softirq + stolen, stolen, others)

    def since(self, earlier):
        """The parts of the time that others had: (the host, other programs)."""
        total = max(1e-9, self.total - earlier.total)
        return (self.stolen - earlier.stolen) / total, (self.others - earlier.others) / total


def limits(cores):
    """The most that two of many tries gave: {"sgemm_gflops", "triad_gigabytes_per_second"}. Raises `Failure`."""
    tries = [measure(pinned(cores, [PROGRAMS / "mio-bench", "limits"])) for _ in range(2)]
    return {key: max(one[key] for one in tries) for key in ("sgemm_gflops", "triad_gigabytes_per_second")}


def all_limits(say):
    """By number of cores; without those that could not be measured."""
    found = {}
    for cores in (1, 2):
        try:
            found[cores] = limits(cores)
        except Failure as failure:
            say(f"the limits of {cores} cores: {failure}")
    return found
