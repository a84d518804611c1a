"""The table: what is measured together, and what each row makes of it."""

import dataclasses
from collections.abc import Callable

import contestants
import epochs
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
    is_other_model: bool = False

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


def steps(name, work, against, group, bar, ours="mio"):
    """The same ratio, of batches alone: shown as microseconds a step."""
    def show(measured):
        return tuple(f"{1e3 * measured[one]['median_step_milliseconds']:,.1f} µs" for one in (ours, against))

    return dataclasses.replace(throughput(name, work, against, group, bar, ours=ours), show=show)


def reduction(name, work, bar, ours):
    """Of all sizes the one where mio gains least; `ours` is what it is there in the measurement."""
    def ratio(measured):
        return min(size["transport_milliseconds"] / size[ours] for size in measured["mio"]["sizes"])

    def times(measured):
        return tuple(" · ".join(f"{size[key]:.3g}" for size in measured["mio"]["sizes"]) + " ms"
                     for key in (ours, "transport_milliseconds"))

    return Row(name, f"Sum of 1 · 4 · 16 · 64 MB, 2 ranks of one node{work}; the least ratio", "MPI_Allreduce",
               "allreduce", ratio, times, "{:.2f}×", bar)


def memory(measured, one):
    return measured[one]["peak_memory_bytes"] / 1e6


def start(name, ours, bar):
    return Row(
        name, f"Launch to the end of model 2's first step, {ours}, 1 rank", "MPI_Init alone", "startup",
        lambda measured: measured[ours]["seconds"] - measured["MPI_Init alone"]["seconds"],
        lambda measured: tuple(f"{measured[one]['seconds']:.3f} s" for one in (ours, "MPI_Init alone")),
        "{:+.3f} s", bar, at_least=False)


# Models of other kinds than the two: job, what it is, samples an epoch, Keras' steps a call.
OTHERS = (
    ("lenet", "LeNet, 28² × 1, batch 128", 6400, 10),
    ("vgg", "3×3 convolutions in pairs, 32² × 3, dropout, two outputs, batch 32", 640, 5),
    ("residual", "Two residual blocks of 64 filters, 64² × 16, batch 16", 160, 5),
    ("bottleneck", "1×1 convolutions 64 → 256 → 64 and a shortcut, 32² × 64, batch 16", 160, 5),
    ("strides", "5×5 and 3×3 with strides, 64² × 4, batch 32", 960, 5),
    ("few-filters", "8, 8, 12 and 24 filters, 48² × 3, batch 32", 960, 5),
    ("segmentation", "A mask of 96² pixels, batch 8", 160, 5),
    ("deep-dense", "Ten Dense of 256, batch 32", 6400, 10),
    ("wide-dense", "Two Dense of 1024, two outputs, batch 128", 6400, 10),
    ("many-classes", "A choice among 10,000 classes, batch 64", 3200, 10),
    ("wide-input", "20,000 inputs and 8, two outputs, batch 64", 1280, 10),
    ("many-heads", "Six inputs, five outputs, batch 64", 64_000, 50),
    ("one-sample", "Dense 32 and 16 on 20 numbers, batch 1", 8000, 50),
)


# Whole models of peers/whole_models.py, in two-headed form: the row's name, what it says, the samples of an epoch, and
# steps that Keras takes a call.
WHOLE = (
    ("mobilenet", "MobileNetV2, images of 96 × 96", 320, 10),
    ("resnet", "ResNet50, images of 64 × 64", 320, 10),
    ("efficientnet", "EfficientNetB0, images of 96 × 96", 320, 10),
    ("tickets", "the ticket classifier of Keras' guide, two LSTMs", 8000, 50),
    ("transformer", "a transformer's encoder of two layers, 128 wide, 128 words", 480, 10),
    ("unet", "a U-Net, images of 64 × 64", 320, 10),
)


def whole_group(name, samples, steps_per_execution):
    work = epochs.whole_model(name, samples)
    return Group(name, (contestants.mio_worker(work), contestants.keras_fit_file(work, steps_per_execution)), rounds=2)


def other_group(name, samples, steps_per_execution):
    work = epochs.Work(epochs.JOBS / "others" / f"{name}.yaml", samples, epochs=5)
    return Group(name, (contestants.mio_worker(work), contestants.keras_fit(work, steps_per_execution)), rounds=2)


GROUPS = (
    Group("model1", (contestants.mio("image-metadata"), contestants.keras_model1("float32")), rounds=3),
    Group("model1-bf16", (contestants.mio("image-metadata", "--precision", "bfloat16"),
                          contestants.keras_model1("mixed_bfloat16")), rounds=3),
    Group("model1-ranks", (
        contestants.mio("image-metadata", "--batch-size", "16", ranks=2),
        contestants.mio("image-metadata", "--batch-size", "8", ranks=1, name="mio, 1 rank"),
        contestants.mio("image-metadata", "--batch-size", "16", cores=2, name="mio, 2 threads"),
        contestants.torch_ddp("image-metadata")), rounds=3),
    Group("model2-32", (contestants.mio("two-heads", "--batch-size", "32"), contestants.jax(32),
                        contestants.jax(32, 50)), rounds=5, quick_rounds=2),
    Group("model2-256", (contestants.mio("two-heads", "--batch-size", "256"), contestants.jax(256),
                         contestants.jax(256, 50)), rounds=5, quick_rounds=2),
    Group("model2-epochs", (contestants.mio_worker(epochs.TWO_HEADS), contestants.keras_fit_model2()), rounds=3),
    Group("model2-ranks", (
        contestants.mio("two-heads", "--batch-size", "64", ranks=2),
        contestants.mio("two-heads", "--batch-size", "32", ranks=1, name="mio, 1 rank"),
        contestants.mio("two-heads", "--batch-size", "64", cores=2, name="mio, 2 threads"),
        contestants.torch_ddp("two-heads")), rounds=3),
    Group("allreduce", (contestants.allreduce(),), rounds=5),
    Group("startup", (contestants.mpi_init(), contestants.starting_bench(), contestants.starting_worker()),
          rounds=9, quick_rounds=3),
    *(whole_group(name, samples, steps) for name, _, samples, steps in WHOLE),
    *(other_group(name, samples, steps) for name, _, samples, steps in OTHERS),
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
    reduction("allreduce", "", 5, "mio_milliseconds"),
    Row("memory", "Model 1's peak memory, batch 8, fp32", "Keras on TensorFlow", "model1",
        lambda measured: memory(measured, "mio") / memory(measured, "Keras on TensorFlow"),
        lambda measured: tuple(f"{memory(measured, one):,.0f} MB" for one in ("mio", "Keras on TensorFlow")),
        "{:.2f}×", 0.25, at_least=False),
    start("startup", "mio", 0.25),
    start("startup-worker", "mio-worker", 0.25),
    Row("data-wait", "Reading shards while training: the part of an epoch in which a step waits for data", "the epoch",
        "model2-epochs", lambda measured: measured["mio-worker"]["data_wait_share"],
        lambda measured: ("", ""), "{:.2%}", 0.01, at_least=False),
    *(throughput(name, f"A `.keras` file, batch 16, epochs, 1 core: {work}", "Keras fit", name, 1, "samples/s",
                 ours="mio-worker") for name, work, _, _ in WHOLE),
    # Held to nothing, and good to know.
    steps("model2-32-scan", "Model 2, batch 32, 1 core, against 50 steps a call", "JAX jit, 50 steps a call",
          "model2-32", None),
    steps("model2-256-scan", "Model 2, batch 256, 1 core, against 50 steps a call", "JAX jit, 50 steps a call",
          "model2-256", None),
    steps("model2-scaling", "Model 2, 2 ranks on 2 cores, batch 32 each", "mio, 1 rank", "model2-ranks", None),
    throughput("model1-threads", "Model 1, 1 rank of 2 threads on 2 cores, batch 16", "mio, 1 rank", "model1-ranks",
               None, ours="mio, 2 threads"),
    steps("model2-threads", "Model 2, 1 rank of 2 threads on 2 cores, batch 64", "mio, 1 rank", "model2-ranks", None,
          ours="mio, 2 threads"),
    reduction("allreduce-slices", ", half of it left on each, as a training step takes it", None,
              "mio_slices_milliseconds"),
    *(dataclasses.replace(
        throughput(name, work, "Keras fit", name, None, "samples/s", ours="mio-worker"), is_other_model=True)
      for name, work, _, _ in OTHERS),
)
