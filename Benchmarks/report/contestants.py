"""What is measured: mio's programs and their peers, each on its cores and in its best configuration."""

import dataclasses
import sys
from collections.abc import Callable

import epochs
import startup
from launching import PEERS, PROGRAMS, Failure, measure, pinned, under_mpirun


@dataclasses.dataclass(frozen=True)
class Contestant:
    """`measure(options)` runs it once. Of several `candidates` the first round tries all and keeps the one with the
    most samples a second. A quick run tries the first `quick` only, which are the best known."""

    name: str
    measure: Callable[[list], dict]
    candidates: tuple = ((),)
    quick: int = 1


def options(text):
    return tuple(text.split())


# MARK: mio

def mio(model, *arguments, ranks=None, cores=1, name="mio"):
    """mio-bench's steps: alone, with a thread for each of its cores, or `ranks` ranks under mpirun, each on a core."""
    command = [PROGRAMS / "mio-bench", "run", "--model", model, *arguments]
    return Contestant(name, lambda _: measure(
        pinned(cores, command) if ranks is None else under_mpirun(ranks, command)))


def mio_worker(work):
    return Contestant("mio-worker", lambda _: work.measure())


def allreduce():
    command = [PROGRAMS / "mio-bench", "allreduce", "--megabytes", "1,4,16,64"]
    return Contestant("mio", lambda _: measure(under_mpirun(2, command)))


# MARK: Peers

def peer(name, program, *arguments, count=1, candidates=((),), quick=1):
    def run(chosen):
        return measure(pinned(count, [sys.executable, PEERS / program, *arguments, *chosen]))

    return Contestant(name, run, tuple(candidates), quick)


def keras_model1(precision):
    # XLA's convolutions are slower than oneDNN's, except for bfloat16 on a processor that has no such instructions.
    return peer("Keras on TensorFlow", "keras_model1.py", "--precision", precision,
                candidates=[(), options("--jit on --steps 3 --warm-up 1")],
                quick=2 if precision == "mixed_bfloat16" else 1)


def jax(batch_size, steps_per_call=1):
    name = "JAX jit" if steps_per_call == 1 else f"JAX jit, {steps_per_call} steps a call"
    return peer(name, "jax_model2.py", "--batch-size", batch_size, "--steps-per-call", steps_per_call)


def torch_ddp(model):
    candidates = {
        "image-metadata": [(), options("--adam foreach"), options("--memory-format contiguous --steps 3"),
                           options("--compile on --steps 3")],
        "two-heads": [(), options("--adam foreach"), options("--compile on")],
    }
    return peer("PyTorch DDP (gloo)", "torch_ddp.py", "--model", model, "--ranks", 2, count=2,
                candidates=candidates[model])


def keras_fit_model2():
    def run(chosen):
        return peer("", "keras_fit_model2.py", "--data", epochs.TWO_HEADS.shards()).measure(chosen)

    return Contestant("Keras fit", run, (
        options("--backend jax --steps-per-execution 256"),
        options("--backend jax --steps-per-execution 16"),
        options("--backend jax --steps-per-execution 2048"),
        options("--backend tensorflow --steps-per-execution 64"),
        options("--backend tensorflow --steps-per-execution 512"),
        options("--backend tensorflow --steps-per-execution 512 --jit off"),
        options("--backend tensorflow --steps-per-execution 512 --pipeline dataset"),
        options("--backend torch --steps-per-execution 1 --epochs 3"),
    ))


def keras_fit(work, steps_per_execution):
    """Of another job, with as many steps a call as an epoch has some times."""
    def run(chosen):
        return peer("", "keras_fit_job.py", "--job", work.job, "--data", work.shards(), "--epochs", work.epochs,
                    "--steps-per-execution", steps_per_execution).measure(chosen)

    return Contestant("Keras fit", run, (
        options("--backend jax"), options("--backend tensorflow --jit off"), options("--backend tensorflow"),
    ), quick=2)


def keras_fit_file(work, steps_per_execution):
    """Of a `.keras` file."""
    def run(chosen):
        return peer("", "keras_fit_file.py", "--data", work.shards(), "--epochs", work.epochs,
                    "--steps-per-execution", steps_per_execution).measure(chosen)

    return Contestant("Keras fit", run, (
        options("--backend tensorflow --jit off"), options("--backend jax"), options("--backend tensorflow"),
    ))


# MARK: Start-up

def mpi_init():
    return Contestant("MPI_Init alone", lambda _: startup.mpi_init())


def starting_bench():
    return Contestant("mio", lambda _: startup.mio_bench())


def starting_worker():
    return Contestant("mio-worker", lambda _: startup.mio_worker())


def best(contestant, is_quick):
    """The fastest candidate's options, and what each gave: samples a second, or why it failed.

    Raises `Failure` if all fail. Returns its measurement too, so that no run is wasted.
    """
    tried = []
    for chosen in contestant.candidates[: contestant.quick] if is_quick else contestant.candidates:
        try:
            tried.append((chosen, contestant.measure(list(chosen)), None))
        except Failure as failure:
            tried.append((chosen, None, str(failure)))
    measured = [one for one in tried if one[1] is not None]
    if not measured:
        raise Failure("; ".join(reason for _, _, reason in tried))
    winner = max(measured, key=lambda one: one[1].get("samples_per_second", 0))
    return winner[0], winner[1], tried
