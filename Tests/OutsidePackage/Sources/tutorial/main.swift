import MIO

let points: [[Float]] = (0..<600).map { [Float($0 % 25) / 25, Float($0 % 24) / 24] }
let samples: Samples = [
    "point": SampleArray(points),
    "side": SampleArray(points.map { $0[0] > $0[1] ? 1 : 0 }),
    "sum": SampleArray(points.map { [$0[0] + $0[1]] }),
]
let point = Input("point", shape: [2])
let hidden = Dense(16, activation: .relu)(point)
let model = try Model(
    inputs: [point],
    outputs: [Dense(2, activation: .softmax, name: "side")(hidden), Dense(1, name: "sum")(hidden)])
let network = try model.compile(
    optimizer: Adam(learningRate: 0.01),
    outputs: [
        OutputSpecification("side", loss: SparseCategoricalCrossentropy(), metrics: [AccuracyMetric()]),
        OutputSpecification("sum", loss: MeanSquaredError()),
    ])
let history = try network.fit(samples, epochs: 20, batchSize: 32)
let answers = try network.predict(["point": SampleArray([[0.9, 0.1], [0.2, 0.7]])])
if try Ranks.join().isFirst { print(model, history, answers["sum"]!.values, separator: "\n") }
