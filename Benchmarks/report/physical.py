"""How near mio comes to what the machine can do: floating-point operations against a large matrix product's, bytes
against a triad's."""

# Contestants whose step has a number of operations: group, contestant, cores.
STEPS = (
    ("model1", "Model 1, batch 8, 1 core", "mio", 1),
    ("model1-bf16", "Model 1, batch 8, bf16, 1 core", "mio", 1),
    ("model1-ranks", "Model 1, 2 ranks, batch 8 each", "mio", 2),
    ("model2-32", "Model 2, batch 32, 1 core", "mio", 1),
    ("model2-256", "Model 2, batch 256, 1 core", "mio", 1),
    ("model2-ranks", "Model 2, 2 ranks, batch 32 each", "mio", 2),
)


def of_steps(groups, limits):
    """(work, GFLOP/s, the matrix product's) for each of `STEPS` that was measured."""
    for group, work, contestant, cores in STEPS:
        if group not in groups or groups[group].failure or cores not in limits:
            continue
        operations = groups[group].median(contestant, "flops_per_step")
        milliseconds = groups[group].median(contestant, "median_step_milliseconds")
        if operations is not None:
            yield work, operations / milliseconds * 1e-6, limits[cores]["sgemm_gflops"]


def of_reductions(groups, limits):
    """(work, GB/s, the triad's). Counted are the bytes that have to move: each of the n ranks' values is read once,
    their sum written once, n + 1 times a rank's bytes."""
    measured = groups.get("allreduce")
    if measured is None or measured.failure or 2 not in limits:
        return
    for size in measured.rounds[-1]["mio"]["sizes"]:
        moved = size["bytes"] * (measured.rounds[-1]["mio"]["ranks"] + 1)
        yield (f"Sum of {size['bytes'] / 1e6:.0f} MB over 2 ranks", moved / size["mio_milliseconds"] * 1e-6,
               limits[2]["triad_gigabytes_per_second"])
