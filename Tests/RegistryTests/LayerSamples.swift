import MIOBase
import MIOConfig
import MIOGraph
import Testing

/// A layer and what it is called on: all that the suite must be told of a class.
struct LayerSample: Sendable, CustomTestStringConvertible {
    let className: String
    /// The arguments, as a job file has them.
    let arguments: String
    /// Of one sample each. A layer that reads whole numbers gets them.
    let inputs: [Shape]

    init(_ className: String, _ arguments: String, _ inputs: [Shape]) {
        self.className = className
        self.arguments = arguments
        self.inputs = inputs
    }

    var testDescription: String { "\(className) \(arguments) of \(inputs.map(\.description))" }

    /// A line or more for each class of `LayerRegistry`, with small shapes: every element of inputs and weights is moved four
    /// times. Arguments that change what is computed are worth a line of their own.
    static let samples: [LayerSample] =
        [
            LayerSample("Add", "{}", [[3, 4], [3, 4], [3, 4]]),
            LayerSample("Add", "{}", [[2, 3, 17], [2, 3, 17]]),
            LayerSample("ActivityRegularization", "{l1: 0.01, l2: 0.1}", [[3, 4]]),
            LayerSample("AdditiveAttention", "{}", [[3, 4], [5, 4]]),
            LayerSample(
                "AdditiveAttention", "{use_scale: false, dropout: 0.3}", [[3, 4], [5, 2], [5, 4]]),
            LayerSample("Attention", "{}", [[3, 4], [5, 4]]),
            LayerSample(
                "Attention", "{use_scale: true, score_mode: concat, use_causal_mask: true}",
                [[3, 4], [5, 4]]),
            LayerSample("MultiHeadAttention", "{num_heads: 2, key_dim: 3}", [[3, 4], [5, 4]]),
            LayerSample(
                "MultiHeadAttention",
                "{num_heads: 2, key_dim: 3, value_dim: 2, dropout: 0.3, use_bias: false, output_shape: 5, use_causal_mask: true}",
                [[3, 4], [5, 2], [5, 3]]),
            LayerSample("GRU", "{units: 3}", [[4, 2]]),
            LayerSample(
                "GRU",
                "{units: 3, return_sequences: true, return_state: true, dropout: 0.3, recurrent_dropout: 0.3}",
                [[4, 2]]),
            LayerSample(
                "GRU", "{units: 2, reset_after: false, go_backwards: true, activation: gelu}", [[4, 2], [2]]),
            LayerSample("SimpleRNN", "{units: 3, return_sequences: true}", [[4, 2]]),
            LayerSample(
                "SimpleRNN", "{units: 2, dropout: 0.3, recurrent_dropout: 0.3, return_state: true}",
                [[4, 2], [2]]),
            LayerSample(
                "Conv1D", "{filters: 3, kernel_size: 3, padding: causal, dilation_rate: 2}", [[7, 4]]),
            LayerSample("Conv1D", "{filters: 4, kernel_size: 2, groups: 2, strides: 2}", [[7, 4]]),
            LayerSample(
                "Conv1DTranspose", "{filters: 3, kernel_size: 3, strides: 2, output_padding: 1}", [[4, 2]]),
            LayerSample(
                "Conv2DTranspose", "{filters: 3, kernel_size: [3, 2], padding: same, strides: 2}",
                [[3, 2, 2]]),
            LayerSample(
                "Conv2DTranspose", "{filters: 2, kernel_size: 2, data_format: channels_first}", [[2, 3, 2]]),
            LayerSample("DepthwiseConv1D", "{kernel_size: 3, depth_multiplier: 2}", [[5, 3]]),
            LayerSample("DepthwiseConv2D", "{kernel_size: 3, padding: same}", [[4, 5, 3]]),
            LayerSample(
                "DepthwiseConv2D", "{kernel_size: [3, 2], depth_multiplier: 2, dilation_rate: [1, 2]}",
                [[4, 5, 2]]),
            LayerSample("SeparableConv1D", "{filters: 3, kernel_size: 3, depth_multiplier: 2}", [[5, 2]]),
            LayerSample("SeparableConv2D", "{filters: 3, kernel_size: [3, 2], padding: same}", [[4, 3, 2]]),
            LayerSample("MaxPooling1D", "{pool_size: 2}", [[5, 3]]),
            LayerSample("AveragePooling1D", "{pool_size: 3, padding: same}", [[5, 3]]),
            LayerSample("AveragePooling2D", "{pool_size: [2, 3], strides: 1, padding: same}", [[4, 5, 2]]),
            LayerSample("AveragePooling2D", "{pool_size: 2, data_format: channels_first}", [[2, 4, 4]]),
            LayerSample("GlobalMaxPooling1D", "{keepdims: true}", [[5, 3]]),
            LayerSample("GlobalMaxPooling2D", "{data_format: channels_first}", [[2, 3, 4]]),
            LayerSample("GlobalAveragePooling1D", "{}", [[5, 3]]),
            LayerSample("GlobalAveragePooling2D", "{keepdims: true}", [[3, 4, 2]]),
            LayerSample("ZeroPadding1D", "{padding: [0, 2]}", [[3, 2]]),
            LayerSample("ZeroPadding2D", "{padding: [[1, 2], [0, 1]]}", [[2, 3, 2]]),
            LayerSample("Cropping1D", "{cropping: [0, 2]}", [[5, 2]]),
            LayerSample("Cropping2D", "{cropping: [[1, 0], [0, 1]]}", [[4, 3, 2]]),
            LayerSample("UpSampling1D", "{size: 3}", [[2, 3]]),
            LayerSample("UpSampling2D", "{size: [2, 3]}", [[2, 3, 2]]),
            LayerSample("UpSampling2D", "{interpolation: bilinear}", [[3, 2, 2]]),
            LayerSample("UpSampling2D", "{interpolation: bicubic, size: 3}", [[3, 2, 2]]),
            LayerSample("UpSampling2D", "{interpolation: lanczos3}", [[4, 3, 1]]),
            LayerSample(
                "UpSampling2D", "{interpolation: lanczos5, data_format: channels_first}", [[1, 3, 2]]),
            LayerSample("GroupNormalization", "{groups: 2, epsilon: 0.01}", [[3, 4]]),
            LayerSample("GroupNormalization", "{groups: -1, axis: 1}", [[3, 4]]),
            LayerSample("BatchNormalization", "{epsilon: 0.01, momentum: 0.9}", [[3, 4]]),
            LayerSample("BatchNormalization", "{axis: 1, center: false}", [[3, 4]]),
            LayerSample("BatchNormalization", "{scale: false}", [[5]]),
            LayerSample("BatchNormalization", "{axis: 3}", [[2, 3, 17]]),
            LayerSample("Bidirectional", "{layer: {class: LSTM, units: 3}}", [[4, 2]]),
            LayerSample(
                "Bidirectional",
                "{layer: {class: LSTM, units: 2, return_sequences: true, dropout: 0.3}, merge_mode: sum}",
                [[4, 3]]),
            LayerSample(
                "Bidirectional",
                "{layer: {class: LSTM, units: 3, return_sequences: true}, merge_mode: null, backward_layer: "
                    + "{class: LSTM, name: other, units: 3, dropout: 0.5, return_sequences: true, go_backwards: true}}",
                [[4, 2]]),
            LayerSample("Concatenate", "{}", [[4, 3], [4, 2]]),
            LayerSample("Concatenate", "{axis: 1}", [[4, 3], [2, 3]]),
            LayerSample("Concatenate", "{axis: 3}", [[2, 3, 16], [2, 3, 32]]),
            LayerSample(
                "Conv2D", "{filters: 3, kernel_size: 3, padding: same, activation: tanh}", [[5, 4, 2]]),
            LayerSample("Conv2D", "{filters: 17, kernel_size: [3, 2], strides: [2, 1]}", [[6, 5, 3]]),
            LayerSample("Dense", "{units: 3}", [[5]]),
            LayerSample(
                "Dense",
                "{units: 4, use_bias: false, kernel_initializer: he_normal, kernel_regularizer: {class: L2, l2: 0.1}}",
                [[2, 3]]),
            LayerSample("Dropout", "{rate: 0.4, seed: 3}", [[3, 7]]),
            LayerSample("Dropout", "{rate: 0.25}", [[2, 3, 17]]),
            LayerSample("Dropout", "{rate: 0.5, noise_shape: [null, 1, 1, 1]}", [[2, 3, 5]]),
            LayerSample("Dropout", "{rate: 0.3, noise_shape: [null, null, 1]}", [[4, 3]]),
            LayerSample("Embedding", "{input_dim: 6, output_dim: 3}", [[5]]),
            LayerSample(
                "Embedding",
                "{input_dim: 5, output_dim: 17, mask_zero: true, embeddings_initializer: ones}", [[2, 2]]),
            LayerSample("Flatten", "{}", [[2, 3, 2]]),
            LayerSample("Flatten", "{data_format: channels_first}", [[2, 3, 2]]),
            LayerSample("LSTM", "{units: 3}", [[4, 2]]),
            LayerSample(
                "LSTM",
                "{units: 3, return_sequences: true, return_state: true, dropout: 0.3, recurrent_dropout: 0.3}",
                [[4, 2]]),
            LayerSample(
                "LSTM", "{units: 2, go_backwards: true, activation: gelu, zero_output_for_mask: true}",
                [[4, 2], [2], [2]]),
            LayerSample(
                "LSTM",
                "{units: 3, use_bias: false, unit_forget_bias: false, dropout: 0.2, recurrent_dropout: 0.1, seed: 4, "
                    + "return_sequences: true, return_state: true, go_backwards: true, recurrent_activation: hard_sigmoid}",
                [[4, 2]]),
            LayerSample("LayerNormalization", "{epsilon: 0.01}", [[3, 6]]),
            LayerSample("LayerNormalization", "{axis: [1, 2], center: false}", [[3, 4]]),
            LayerSample("Masking", "{mask_value: 0.5}", [[4, 3]]),
            LayerSample("MaxPooling2D", "{pool_size: 2}", [[4, 6, 3]]),
            LayerSample("MaxPooling2D", "{pool_size: [3, 2], strides: 2, padding: same}", [[5, 4, 2]]),
            LayerSample("UnaryOperation", "{function: exp}", [[3, 4]]),
            LayerSample("UnaryOperation", "{function: negative}", [[4, 4, 16]]),
            LayerSample("UnaryOperation", "{function: absolute}", [[3, 4]]),
            LayerSample("UnaryOperation", "{function: square}", [[3, 7]]),
            LayerSample("UnaryOperation", "{function: expm1}", [[3, 4]]),
            LayerSample("UnaryOperation", "{function: sin}", [[3, 4]]),
            LayerSample("UnaryOperation", "{function: cos}", [[3, 4]]),
            LayerSample("UnaryOperation", "{function: clip, minimum: -0.4, maximum: 0.9}", [[3, 7]]),
            LayerSample("BinaryOperation", "{function: multiply}", [[3, 4], [1, 4]]),
            LayerSample(
                "BinaryOperation", "{function: subtract, constant: 2, constant_first: true}", [[3, 4]]),
            LayerSample("BinaryOperation", "{function: add, constant: [[1], [2], [3]]}", [[3, 20]]),
            LayerSample("BinaryOperation", "{function: multiply, constant: [0.5, -2, 3]}", [[2, 1]]),
            LayerSample("BinaryOperation", "{function: divide, constant: 3}", [[3, 4]]),
            LayerSample("BinaryOperation", "{function: add}", [[1, 5], [3, 1]]),
            LayerSample("BinaryOperation", "{function: maximum}", [[3, 4], [3, 1]]),
            LayerSample("BinaryOperation", "{function: minimum, constant: 0.5}", [[3, 17]]),
            LayerSample("BinaryOperation", "{function: power, constant: 3}", [[3, 4]]),
            LayerSample("Reduction", "{function: mean, axis: 1}", [[3, 4]]),
            LayerSample("Reduction", "{function: sum, axis: [1, 3], keepdims: true}", [[3, 4, 5]]),
            LayerSample("Reduction", "{function: mean, axis: -1}", [[3, 20]]),
            LayerSample("Reduction", "{function: max, axis: -1}", [[3, 20]]),
            LayerSample("Reduction", "{function: min, axis: [1, 2]}", [[3, 4, 5]]),
            LayerSample("GetItem", "{index: \"1:3, -1\"}", [[4, 3]]),
            LayerSample("GetItem", "{index: \"::-2, newaxis, ..., 1:\"}", [[5, 2, 3]]),
            LayerSample("Matmul", "{}", [[3, 4], [4, 2]]),
            LayerSample("Matmul", "{}", [[2, 3, 5], [2, 5, 17]]),
            LayerSample("Permute", "{dims: [2, 1]}", [[3, 4]]),
            LayerSample("RepeatVector", "{n: 3}", [[4]]),
            LayerSample("Identity", "{}", [[3, 4]]),
            LayerSample("Subtract", "{}", [[3, 4], [4]]),
            LayerSample("Multiply", "{}", [[3, 4], [3, 1], [4]]),
            LayerSample("Average", "{}", [[3, 4], [3, 4]]),
            LayerSample("Maximum", "{}", [[3, 4], [4]]),
            LayerSample("Minimum", "{}", [[3, 4], [3, 4]]),
            LayerSample("Dot", "{axes: -1}", [[3, 4], [2, 4]]),
            LayerSample("Dot", "{axes: 1, normalize: true}", [[4], [4]]),
            LayerSample("SpatialDropout1D", "{rate: 0.4}", [[5, 4]]),
            LayerSample("SpatialDropout2D", "{rate: 0.4, data_format: channels_first}", [[4, 3, 2]]),
            LayerSample("SpatialDropout3D", "{rate: 0.4}", [[2, 2, 2, 4]]),
            LayerSample("AlphaDropout", "{rate: 0.3}", [[3, 7]]),
            LayerSample("GaussianNoise", "{stddev: 0.5}", [[3, 7]]),
            LayerSample("GaussianDropout", "{rate: 0.3}", [[3, 7]]),
            LayerSample("ReLU", "{max_value: 1, negative_slope: 0.1}", [[3, 5]]),
            LayerSample("LeakyReLU", "{negative_slope: 0.2}", [[3, 5]]),
            LayerSample("ELU", "{alpha: 0.5}", [[3, 5]]),
            LayerSample("PReLU", "{shared_axes: [1], alpha_initializer: ones}", [[3, 4]]),
            LayerSample("Softmax", "{}", [[3, 5]]),
            LayerSample("Softmax", "{axis: 1}", [[3, 5]]),
            LayerSample("UnitNormalization", "{}", [[3, 5]]),
            LayerSample("Normalization", "{mean: [0.5, -0.5, 1], variance: [1, 4, 0.25]}", [[3]]),
            LayerSample("Rescaling", "{scale: 0.5, offset: [1, 2, 3]}", [[2, 3]]),
            LayerSample("Reshape", "{target_shape: [3, -1]}", [[2, 6]]),
            LayerSample(
                "TimeDistributed", "{layer: {class: Dense, units: 3, activation: relu}}", [[4, 5]]),
            LayerSample("TimeDistributed", "{layer: {class: Dropout, rate: 0.5}}", [[4, 5]]),
        ]
        // Each activation by itself, and at the end of a layer, which may compute it in its own way.
        + Activation.allCases.flatMap {
            [
                LayerSample("Activation", "{activation: \($0.rawValue)}", [[3, 5]]),
                LayerSample("Dense", "{units: 5, activation: \($0.rawValue)}", [[6]]),
                LayerSample("Dense", "{units: 5, activation: \($0.rawValue), use_bias: false}", [[3, 4]]),
            ]
        }

    func layer(_ more: ConfigDictionary = ConfigDictionary()) throws -> any Layer {
        var entries = try mapping(arguments)
        for (key, value) in more.entries { entries[key] = value }
        return try Self.make(className, entries)
    }

    static func make(_ className: String, _ entries: ConfigDictionary) throws -> any Layer {
        var reader = ConfigReader(entries, at: example)
        return try LayerRegistry.makeLayer(className: className, classKey: "class", config: &reader)
    }
}
