import MIO

// Everything that a compiled model can do, without a file except for its weights, which go to the path that it is given.

/// Numbers in 0..<1 that look like chance.
func row(_ index: Int) -> [Float] {
    (0..<8).map { column -> Float in
        let number = index * (column * 37 + 11) + column * 101
        return Float(number % 97) / 97
    }
}

/// The number of the largest element.
func largest(_ row: [Float]) -> UInt8 {
    var largest = 0
    for index in row.indices where row[index] > row[largest] { largest = index }
    return UInt8(largest)
}

func samples(_ count: Int, from first: Int) -> Samples {
    let rows: [[Float]] = (first..<first + count).map(row)
    let boxes: [[Float]] = rows.map { row in [row[0] * row[1], row[2]] }
    return ["input": SampleArray(rows), "kind": SampleArray(rows.map(largest)), "box": SampleArray(boxes)]
}

func twoHeads() throws -> Model {
    let input = Input("input", shape: [8])
    let hidden = Dropout(0.1)(Dense(32, activation: .relu)(input))
    return try Model(
        inputs: [input],
        outputs: [
            Dense(8, activation: .softmax, name: "kind")(hidden),
            Dense(2, activation: .sigmoid, name: "box")(hidden),
        ])
}

func network() throws -> CompiledModel {
    try twoHeads().compile(
        optimizer: Adam(learningRate: 0.01),
        outputs: [
            OutputSpecification("kind", loss: SparseCategoricalCrossentropy(), metrics: [AccuracyMetric()]),
            OutputSpecification("box", loss: MeanSquaredError(), weight: 2),
        ], seed: 7)
}

/// Equal up to the rounding of sums, whose order depends on how threads share the work.
func areClose(_ a: Double?, _ b: Double?) -> Bool {
    guard let a, let b else { return false }
    return abs(a - b) <= 1e-5 * max(1, abs(a))
}

func require(_ condition: Bool, _ what: String) {
    if !condition { fatalError(what) }
}

// 325 samples in batches of 32: the last batch has 5, which two ranks share unevenly.
let training = samples(325, from: 0)
let heldOut = samples(75, from: 1000)
let ranks = try Ranks.join()
let weightsPath = CommandLine.arguments[1]

let first = try network()
var epochsSeen = 0
let history = try first.fit(training, validation: heldOut, epochs: 4, batchSize: 32) { _ in epochsSeen += 1 }
require(epochsSeen == 4 && history.epochs.count == 4, "4 epochs return 4")
require(history["val_kind_accuracy"].count == 4, "a validation each epoch")

// Two calls are one training: to the bit, where bits do not depend on how threads share the work.
func strict(_ epochs: Int) -> TrainingOptions {
    TrainingOptions(epochs: epochs, batchSize: 32, reproducible: .strict)
}
let whole = try network()
try whole.fit(training, validation: heldOut, options: strict(4))
let second = try network()
try second.fit(training, validation: heldOut, options: strict(1))
try second.fit(training, validation: heldOut, options: strict(3))
require(second.history == whole.history, "1 epoch and then 3 are 4")
require(second.weights == whole.weights, "1 epoch and then 3 end with the weights of 4")

// Evaluation is what the last validation was; of weights that went through a file too.
let evaluation = try first.evaluate(heldOut)
require(areClose(evaluation["kind_loss"], history["val_kind_loss"].last), "evaluate is the last validation")
try first.saveWeights(weightsPath)
let third = try network()
require(third.weights != first.weights, "other weights before")
try third.loadWeights(weightsPath)
require(third.weights == first.weights, "weights through a file")
let ofFile = try third.evaluate(heldOut)
require(areClose(ofFile["loss"], evaluation["loss"]), "evaluation of weights through a file")

// Predictions: shapes, order, batches that ranks share unevenly; a single sample is rank 1's or rank 0's alone.
let predictions = try third.predict(heldOut, batchSize: 10)
guard let kinds = predictions["kind"], let boxes = predictions["box"] else {
    fatalError("an output is missing")
}
require(kinds.shape == [75, 8] && boxes.shape == [75, 2], "shapes")
var one = Samples([:])
one["input"] = SampleArray([row(1074)])
let last = try third.predict(one)["box"]?.values ?? []
require(
    last.count == 2 && zip(last, boxes.values.suffix(2)).allSatisfy { areClose(Double($0), Double($1)) },
    "the last sample alone")

if ranks.isFirst {
    print(first)
    print(history)
    print("evaluation: \(evaluation)")
    print("predictions: \(kinds.values.prefix(4)) \(boxes.values.suffix(2))")
    print("ranks: \(ranks.count)")
}
