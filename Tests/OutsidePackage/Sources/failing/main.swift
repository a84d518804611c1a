import MIO

// Errors that leave the top level, by the word that it is given.

struct OwnError: Error {}

let input = Input("input", shape: [2])
let model = try Model(inputs: [input], outputs: [Dense(1, name: "answer")(input)])
let network = try model.compile(outputs: [OutputSpecification("answer", loss: MeanSquaredError())])
switch CommandLine.arguments[1] {
case "graph": _ = try Model(inputs: [input], outputs: [Conv2D(4, kernelSize: 3, name: "image")(input)])
case "name":
    try network.fit(["inptu": SampleArray([[1, 2]]), "answer": SampleArray([[1]])])
case "not-a-number":
    try network.fit(["input": SampleArray([[1, 2], [.nan, 2]]), "answer": SampleArray([[1], [2]])])
case "lengths":
    try network.fit(["input": SampleArray([[1, 2], [3, 4]]), "answer": SampleArray([[1]])])
case "shape": _ = try SampleArray([1, 2, 3], sampleShape: [2])
case "weights": try network.loadWeights("/nonexistent/weights.safetensors")
case "own": throw OwnError()
default:
    try network.fit(["input": SampleArray([[1, 2]]), "answer": SampleArray([[1]])])
    // One rank alone.
    if try Ranks.join().rank == Ranks.join().count - 1 { _ = try SampleArray([1], sampleShape: [2]) }
    try network.fit(["input": SampleArray([[1, 2]]), "answer": SampleArray([[1]])])
}
