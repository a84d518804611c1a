import MIOGraph
import MIOJob
import MIOObjectives

/// The two models everything starts from: what is timed, and what is held to Keras.
package enum StartingModel: String, CaseIterable, Sendable {
    /// Image and metadata in, one answer out.
    case imageMetadata = "image-metadata"
    /// One vector in, two answers out.
    case twoHeads = "two-heads"

    /// The model with Keras' names.
    /// - Parameters:
    ///   - imageSide: height and width of the first model's images.
    ///   - kernels: regularizer and constraint of the kernels of the first layers.
    /// - Throws: `GraphError` for images too small for two convolutions.
    package func model(imageSide: Int = 256, kernels: WeightRules = .none) throws -> Model {
        let (regularizer, constraint) = (kernels.regularizer, kernels.constraint)
        switch self {
        case .imageMetadata:
            let image = Input("image", shape: [imageSide, imageSide, 3])
            let metadata = Input("metadata", shape: [10])
            let features = Flatten(name: "flatten")(
                Conv2D(64, kernelSize: 3, activation: .relu, name: "conv2")(
                    Conv2D(
                        32, kernelSize: 3, activation: .relu, kernelRegularizer: regularizer,
                        kernelConstraint: constraint, name: "conv1")(image)))
            let context = Dense(32, activation: .relu, name: "meta2")(
                Dense(
                    16, activation: .relu, kernelRegularizer: regularizer, kernelConstraint: constraint,
                    name: "meta1")(metadata))
            let joined = Concatenate(name: "joined")([features, context])
            let answer = Dense(1, activation: .sigmoid, name: "answer")(joined)
            return try Model(inputs: [image, metadata], outputs: [answer])
        case .twoHeads:
            let input = Input("input", shape: [100])
            let kind = Dense(10, activation: .softmax, name: "kind")(
                Dense(
                    32, activation: .relu, kernelRegularizer: regularizer, kernelConstraint: constraint,
                    name: "kind_hidden")(input))
            let box = Dense(4, activation: .sigmoid, name: "box")(
                Dense(64, activation: .relu, name: "box_hidden")(input))
            return try Model(inputs: [input], outputs: [kind, box])
        }
    }

    /// What each output learns from.
    package var outputs: [OutputSpecification] {
        switch self {
        case .imageMetadata: [OutputSpecification("answer", loss: BinaryCrossentropy())]
        case .twoHeads:
            [
                OutputSpecification(
                    "kind", loss: SparseCategoricalCrossentropy(), metrics: [AccuracyMetric(name: "accuracy")]
                ),
                OutputSpecification(
                    "box", loss: MeanSquaredError(), weight: 0.5,
                    metrics: [MeanAbsoluteErrorMetric(name: "mean_absolute_error")]),
            ]
        }
    }
}
