import MIO

// mio-worker with a layer of its own.
//
//     mpirun -n 2 .build/release/own-layer-train examples/own-layer/job.yaml

let path = CommandLine.arguments.dropFirst().first ?? "job.yaml"
RankProcess.train {
    try LayerRegistry.register(Swish.self)
    return try Job.load(path: path)
}
