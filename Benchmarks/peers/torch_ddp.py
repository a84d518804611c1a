"""PyTorch's DistributedDataParallel over gloo: a training step of either model with Adam, one core a rank.

Ranks are processes of this machine, each bound to a core of its own. Rank 0 prints one line of JSON. With --ranks 1
the same without DistributedDataParallel.
"""

import argparse
import os
import socket
import time

import measuring


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=["image-metadata", "two-heads"], required=True)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--batch-size", type=int, help="a rank's; without it 8 images or 32 vectors")
    parser.add_argument("--steps", type=int, help="timed steps; without it 6 or 1000")
    parser.add_argument("--warm-up", type=int, help="steps before them; without it 2 or 100")
    parser.add_argument("--compile", choices=["on", "off"], default="off", help="torch.compile (needs a C++ compiler)")
    parser.add_argument("--memory-format", choices=["channels-last", "contiguous"], default="channels-last")
    parser.add_argument("--adam", choices=["fused", "foreach"], default="fused")
    options = parser.parse_args()
    images = options.model == "image-metadata"
    for name, usual in [("batch_size", 8 if images else 32), ("steps", 6 if images else 1000),
                        ("warm_up", 2 if images else 100)]:
        if getattr(options, name) is None:
            setattr(options, name, usual)
    return options


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def time_rank(rank, options, port):
    """What one rank does; a process of its own."""
    measuring.claim_cores(1, first=rank)
    import torch
    import torch.distributed

    import torch_models

    torch.set_num_threads(1)
    torch.manual_seed(0)
    build = torch_models.ImageMetadata if options.model == "image-metadata" else torch_models.TwoHeads
    layout = torch.channels_last if options.memory_format == "channels-last" else torch.contiguous_format
    model = build()
    if options.model == "image-metadata":
        model = model.to(memory_format=layout)
    batch = build.batch(options.batch_size, layout, seed=rank)
    replica = model
    if options.ranks > 1:
        torch.distributed.init_process_group(
            "gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=options.ranks)
        replica = torch.nn.parallel.DistributedDataParallel(
            model, gradient_as_bucket_view=True, static_graph=True)
    if options.compile == "on":
        replica = torch.compile(replica)
    optimizer = torch.optim.Adam(
        replica.parameters(), lr=build.learning_rate, eps=1e-7, **{options.adam: True})

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss, logs = build.losses(replica(*batch["inputs"]), batch)
        loss.backward()
        optimizer.step()
        return loss, logs

    loss, _ = step()
    first_step = measuring.seconds_since_process_start()
    for _ in range(options.warm_up):
        step()
    seconds = []
    for _ in range(options.steps):
        began = time.perf_counter()
        loss, logs = step()
        seconds.append(time.perf_counter() - began)
    if rank == 0:
        measuring.report({
            "program": "torch-ddp" if options.ranks > 1 else "torch",
            "versions": {"torch": torch.__version__},
            "model": options.model,
            "ranks": options.ranks,
            "batch_size": options.batch_size * options.ranks,
            "compile": options.compile == "on",
            "memory_format": options.memory_format,
            "adam": options.adam,
            "steps": options.steps,
            **measuring.times(seconds, options.batch_size * options.ranks),
            "first_step_seconds": first_step,
            "peak_memory_bytes": measuring.peak_memory_bytes(),
            "loss": float(loss.detach()),
        })
    if options.ranks > 1:
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def main(options):
    if options.ranks == 1:
        time_rank(0, options, port=0)
        return
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # ranks of one machine need no network
    import torch.multiprocessing

    torch.multiprocessing.spawn(time_rank, (options, free_port()), nprocs=options.ranks)


if __name__ == "__main__":
    main(arguments())
