import MIO

// job.yaml, said in Swift: the same model, the same data, the same training.
//
//     mpirun -n 2 .build/release/image-metadata-train

RankProcess.train {
    let image = Input("image", shape: [256, 256, 3])
    let metadata = Input("metadata", shape: [10])
    let conv1 = Conv2D(32, kernelSize: 3, activation: .relu, name: "conv1")(image)
    let conv2 = Conv2D(64, kernelSize: 3, activation: .relu, name: "conv2")(conv1)
    let features = Flatten(name: "features")(conv2)
    let context1 = Dense(16, activation: .relu, name: "context1")(metadata)
    let context2 = Dense(32, activation: .relu, name: "context2")(context1)
    let joined = Concatenate(name: "joined")([features, context2])
    let answer = Dense(1, activation: .sigmoid, name: "answer")(joined)

    return try Job(
        name: "image-metadata",
        seed: 1,
        model: Model(inputs: [image, metadata], outputs: [answer]),
        outputs: [OutputSpecification("answer", loss: BinaryCrossentropy(), metrics: [AccuracyMetric()])],
        data: JobData(
            train: DataSource("data/train-*.npz"), validation: DataSource("data/validation-*.npz")),
        optimizer: Adam(learningRate: 0.0001),
        training: TrainingOptions(epochs: 2, batchSize: 8),
        checkpoints: CheckpointOptions(keep: 1),
        logging: LoggingOptions(everySteps: 8),
        runDirectory: "runs/image-metadata-swift",
        folder: "examples/image-metadata")
}
