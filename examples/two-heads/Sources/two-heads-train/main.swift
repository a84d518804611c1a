import MIO

// job.yaml, said in Swift: the same model, the same data, the same training.
//
//     mpirun -n 2 .build/release/two-heads-train

RankProcess.train {
    let input = Input("input", shape: [100])
    let kindHidden = Dense(32, activation: .relu, name: "kind_hidden")(input)
    let kind = Dense(10, activation: .softmax, name: "kind")(kindHidden)
    let boxHidden = Dense(64, activation: .relu, name: "box_hidden")(input)
    let box = Dense(4, activation: .sigmoid, name: "box")(boxHidden)

    return try Job(
        name: "two-heads",
        seed: 1,
        model: Model(inputs: [input], outputs: [kind, box]),
        outputs: [
            OutputSpecification("kind", loss: SparseCategoricalCrossentropy(), metrics: [AccuracyMetric()]),
            OutputSpecification(
                "box", loss: MeanSquaredError(), weight: 5,
                metrics: [MeanAbsoluteErrorMetric(), BoxIoUMetric(name: "iou")]),
        ],
        data: JobData(
            train: DataSource("data/train-*.npz"), validation: DataSource("data/validation-*.npz")),
        optimizer: Adam(learningRate: 0.002),
        training: TrainingOptions(epochs: 10, batchSize: 64),
        logging: LoggingOptions(everySteps: 50),
        runDirectory: "runs/two-heads-swift",
        folder: "examples/two-heads")
}
