"""The table: what is measured together, and what each row makes of it."""

import dataclasses
from collections.abc import Callable

import contestants
import rounds


@dataclasses.dataclass(frozen=True)
class Group:
    """Contestants that are measured in turn, round after round."""

    name: str
    contestants: tuple
    rounds: int
    quick_rounds: int = 1


@dataclasses.dataclass(frozen=True)
class Row:
    """`figure(round)` is what the bar is about, of one round's measurements by contestant; `None` where it was not
    measured. `show(round)` says in numbers what each side did."""

    name: str
    work: str
    against: str
    group: str
    figure: Callable[[dict], float | None]
    show: Callable[[dict], tuple[str, str]]
    format: str
    bar: float | None  # None: shown beside the table, and held to nothing
    at_least: bool = True

    def holds(self, figure):
        return figure >= self.bar if self.at_least else figure <= self.bar

    def bar_text(self):
        return "" if self.bar is None else ("≥ " if self.at_least else "≤ ") + self.format.format(self.bar)


def throughput(name, work, against, group, bar, unit="images/s", ours="mio"):
    def show(measured):
        return tuple(f"{rounds.rate(measured[one]['samples_per_second'])} {unit}" for one in (ours, against))

    def ratio(measured):
        return measured[ours]["samples_per_second"] / measured[against]["samples_per_second"]

    return Row(name, work, against, group, ratio, show, "{:.2f}×", bar)


def steps(name, work, against, group, bar):
    """The same ratio, of batches alone: shown as microseconds a step."""
    def show(measured):
        return tuple(f"{1e3 * measured[one]['median_step_milliseconds']:,.1f} µs" for one in ("mio", against))

    return dataclasses.replace(throughput(name, work, against, group, bar), show=show)


def reduction_ratios(measured):
    return [size["transport_milliseconds"] / size["mio_milliseconds"] for size in measured["mio"]["sizes"]]


def reduction_times(measured):
    sizes = measured["mio"]["sizes"]
    return tuple(" · ".join(f"{size[key]:.3g}" for size in sizes) + " ms"
                 for key in ("mio_milliseconds", "transport_milliseconds"))


def memory(measured, one):
    return measured[one]["peak_memory_bytes"] / 1e6


def start(name, ours, bar):
    return Row(
        name, f"Launch to the end of model 2's first step, {ours}, 1 rank", "MPI_Init alone", "startup",
        lambda measured: measured[ours]["seconds"] - measured["MPI_Init alone"]["seconds"],
        lambda measured: tuple(f"{measured[one]['seconds']:.3f} s" for one in (ours, "MPI_Init alone")),
        "{:+.3f} s", bar, at_least=False)


GROUPS = (
    Group("model1", (contestants.mio("image-metadata"), contestants.keras_model1("float32")), rounds=3),
    Group("model1-bf16", (contestants.mio("image-metadata", "--precision", "bfloat16"),
                          contestants.keras_model1("mixed_bfloat16")), rounds=3),
    Group("model1-ranks", (
        contestants.mio("image-metadata", "--batch-size", "16", ranks=2),
        contestants.mio("image-metadata", "--batch-size", "8", ranks=1, name="mio, 1 rank"),
        contestants.torch_ddp("image-metadata")), rounds=3),
    Group("model2-32", (contestants.mio("two-heads", "--batch-size", "32"), contestants.jax(32),
                        contestants.jax(32, 50)), rounds=5, quick_rounds=2),
    Group("model2-256", (contestants.mio("two-heads", "--batch-size", "256"), contestants.jax(256),
                         contestants.jax(256, 50)), rounds=5, quick_rounds=2),
    Group("model2-epochs", (contestants.mio_worker(), contestants.keras_fit()), rounds=3),
    Group("model2-ranks", (
        contestants.mio("two-heads", "--batch-size", "64", ranks=2),
        contestants.mio("two-heads", "--batch-size", "32", ranks=1, name="mio, 1 rank"),
        contestants.torch_ddp("two-heads")), rounds=3),
    Group("allreduce", (contestants.allreduce(),), rounds=5),
    Group("startup", (contestants.mpi_init(), contestants.starting_bench(), contestants.starting_worker()),
          rounds=9, quick_rounds=3),
)

ROWS = (
    throughput("model1", "Model 1, batch 8, Adam, fp32, 1 core", "Keras on TensorFlow", "model1", 2.2),
    throughput("model1-bf16", "Model 1, bf16 with fp32 master weights, 1 core; Keras mixed_bfloat16",
               "Keras on TensorFlow", "model1-bf16", 1.5),
    throughput("model1-scaling", "Model 1, 2 ranks on 2 cores, batch 8 each", "mio, 1 rank", "model1-ranks", 1.9),
    throughput("model1-ddp", "Model 1, 2 ranks on 2 cores, batch 8 each", "PyTorch DDP (gloo)", "model1-ranks", 4),
    steps("model2-32", "Model 2, batch 32, 1 core, steps alone", "JAX jit", "model2-32", 4),
    steps("model2-256", "Model 2, batch 256, 1 core, steps alone", "JAX jit", "model2-256", 2),
    throughput("model2-epochs", "Model 2, batch 32, mio-worker through epochs of shards, 1 core", "Keras fit",
               "model2-epochs", 8, "samples/s", ours="mio-worker"),
    steps("model2-ddp", "Model 2, 2 ranks on 2 cores, batch 32 each", "PyTorch DDP (gloo)", "model2-ranks", 30),
    Row("allreduce", "Sum of 1 · 4 · 16 · 64 MB, 2 ranks of one node; the least ratio", "MPI_Allreduce", "allreduce",
        lambda measured: min(reduction_ratios(measured)), reduction_times, "{:.2f}×", 5),
    Row("memory", "Model 1's peak memory, batch 8, fp32", "Keras on TensorFlow", "model1",
        lambda measured: memory(measured, "mio") / memory(measured, "Keras on TensorFlow"),
        lambda measured: tuple(f"{memory(measured, one):,.0f} MB" for one in ("mio", "Keras on TensorFlow")),
        "{:.2f}×", 0.25, at_least=False),
    start("startup", "mio", 0.25),
    start("startup-worker", "mio-worker", 0.25),
    Row("data-wait", "Reading shards while training: the part of an epoch in which a step waits for data", "the epoch",
        "model2-epochs", lambda measured: measured["mio-worker"]["data_wait_share"],
        lambda measured: ("", ""), "{:.2%}", 0.01, at_least=False),
    # Held to nothing, and good to know.
    steps("model2-32-scan", "Model 2, batch 32, 1 core, against 50 steps a call", "JAX jit, 50 steps a call",
          "model2-32", None),
    steps("model2-256-scan", "Model 2, batch 256, 1 core, against 50 steps a call", "JAX jit, 50 steps a call",
          "model2-256", None),
    steps("model2-scaling", "Model 2, 2 ranks on 2 cores, batch 32 each", "mio, 1 rank", "model2-ranks", None),
)
