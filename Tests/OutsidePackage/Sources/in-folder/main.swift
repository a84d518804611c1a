import MIO

// A run with a folder, which is given: it keeps checkpoints, and the same command again continues it.

let input = Input("input", shape: [3])
let rows: [[Float]] = (0..<90).map { index in
    (0..<3).map { column -> Float in Float(index * (column + 3) % 13) / 13 }
}
let answer: [[Float]] = rows.map { row in [row[0] - row[2]] }
let samples: Samples = ["input": SampleArray(rows), "answer": SampleArray(answer)]
let job = try Job(
    name: "folder", seed: 3, model: Model(inputs: [input], outputs: [Dense(1, name: "answer")(input)]),
    outputs: [OutputSpecification("answer", loss: MeanSquaredError())],
    data: JobData(train: DataSource(samples), test: DataSource(samples)),
    optimizer: SGD(learningRate: 0.1, momentum: 0.9),
    training: TrainingOptions(epochs: Int(CommandLine.arguments[2]) ?? 2, batchSize: 16),
    folder: CommandLine.arguments[1])
let result = try job.train(showsProgress: false)
let evaluation = try job.evaluate()
try job.predict(data: .part("test"), to: CommandLine.arguments[1] + "/predictions.npz")
let answers = try job.predict(samples)
if try Ranks.join().isFirst {
    print("epochs: \(result.history.epochs.map(\.number))")
    print("evaluation: \(evaluation)")
    print("answers: \(answers["answer"]!.values.prefix(3))")
}
Ranks.end(result.outcome)
