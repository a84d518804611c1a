import MIOBase
import MIOJob
import Testing

/// What Keras 3's `get_config` gives is read as it is; other values of what mio lacks are refused by name.
@Suite struct KerasConfigurationTests {
    /// - Parameters: entries of flow mappings, beside what the job needs itself.
    private func job(
        input: String = "shape: [8, 8, 2]", layer: String = "class: Flatten", loss: String = "mse",
        metric: String = "mae", optimizer: String = "adam", last: String = "class: Dense, units: 3"
    ) throws -> Job {
        try Job(
            yaml: """
                model:
                  inputs: {image: {\(input)}}
                  layers:
                    - {name: tested, inputs: image, \(layer)}
                    - {name: flat, class: Flatten, inputs: tested}
                    - {name: kind, inputs: flat, \(last)}
                  outputs: [kind]
                outputs: {kind: {loss: \(loss), metrics: [\(metric)]}}
                data: {train: {files: d.npz}}
                optimizer: \(optimizer)
                """, folder: "/tmp")
    }

    private static let policy =
        #""dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null}"#
    private static let glorot =
        #""kernel_initializer": {"module": "keras.initializers", "class_name": "GlorotUniform", "config": {"seed": null, "input_axes": null, "output_axes": null}, "registered_name": null}"#
    private static let zeros =
        #""bias_initializer": {"module": "keras.initializers", "class_name": "Zeros", "config": {}, "registered_name": null}"#
    private static let weights =
        #""kernel_regularizer": null, "bias_regularizer": null, "kernel_constraint": null, "bias_constraint": null"#

    @Test(arguments: [
        #"class: Conv2D, "trainable": true, \#(policy), "filters": 4, "kernel_size": [3, 3], "strides": [1, 1], "padding": "valid", "data_format": "channels_last", "dilation_rate": [1, 1], "groups": 1, "activation": "linear", "use_bias": true, \#(glorot), \#(zeros), \#(weights), "activity_regularizer": null"#,
        #"class: Dense, "trainable": true, \#(policy), "units": 4, "activation": "linear", "use_bias": true, \#(glorot), \#(zeros), \#(weights), "quantization_config": null"#,
        #"class: Dense, units: 4, lora_rank: null, lora_alpha: null, autocast: true, dtype: float32"#,
        #"class: MaxPooling2D, "trainable": true, \#(policy), "pool_size": [2, 2], "padding": "valid", "strides": [2, 2], "data_format": "channels_last""#,
        #"class: Flatten, "trainable": true, \#(policy), "data_format": "channels_last""#,
        #"class: Reshape, "trainable": true, \#(policy), "target_shape": [128]"#,
        #"class: Dropout, "trainable": true, \#(policy), "rate": 0.5, "seed": null, "noise_shape": null"#,
        #"class: Activation, "trainable": true, \#(policy), "activation": "relu""#,
        #"class: LayerNormalization, "trainable": true, \#(policy), "axis": [-1], "epsilon": 0.001, "center": true, "scale": true, "rms_scaling": false, "beta_initializer": {"module": "keras.initializers", "class_name": "Zeros", "config": {}, "registered_name": null}, "gamma_initializer": {"module": "keras.initializers", "class_name": "Ones", "config": {}, "registered_name": null}, "beta_regularizer": null, "gamma_regularizer": null, "beta_constraint": null, "gamma_constraint": null"#,
        #"class: Embedding, "trainable": true, \#(policy), "input_dim": 9, "output_dim": 4, "embeddings_initializer": {"module": "keras.initializers", "class_name": "RandomUniform", "config": {"seed": null, "minval": -0.05, "maxval": 0.05}, "registered_name": null}, "embeddings_regularizer": null, "activity_regularizer": null, "embeddings_constraint": null, "mask_zero": false, "lora_rank": null, "quantization_config": null"#,
        #"class: Masking, "trainable": true, \#(policy), "mask_value": 0.0"#,
        "class: Conv2D, filters: 2, kernel_size: 3, dilation_rate: 1, groups: 1, data_format: null",
    ]) func layers(_ layer: String) throws { _ = try job(layer: layer) }

    @Test(arguments: [
        #"class: LSTM, "trainable": true, \#(policy), "return_sequences": true, "return_state": false, "go_backwards": false, "stateful": false, "unroll": false, "zero_output_for_mask": true, "units": 2, "activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": true, \#(glorot), "recurrent_initializer": {"module": "keras.initializers", "class_name": "Orthogonal", "config": {"seed": null, "gain": 1.0}, "registered_name": null}, \#(zeros), "unit_forget_bias": true, "kernel_regularizer": null, "recurrent_regularizer": null, "bias_regularizer": null, "activity_regularizer": null, "kernel_constraint": null, "recurrent_constraint": null, "bias_constraint": null, "dropout": 0.0, "recurrent_dropout": 0.0, "seed": null"#,
        #"class: Bidirectional, "trainable": true, \#(policy), "merge_mode": "concat", "layer": {"module": "keras.layers", "class_name": "LSTM", "config": {"name": "forward_lstm", "trainable": true, \#(policy), "return_sequences": true, "return_state": false, "go_backwards": false, "stateful": false, "unroll": false, "zero_output_for_mask": true, "units": 2, "activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": true, \#(glorot), "recurrent_initializer": {"module": "keras.initializers", "class_name": "Orthogonal", "config": {"seed": null, "gain": 1.0}, "registered_name": null}, \#(zeros), "unit_forget_bias": true, "kernel_regularizer": null, "recurrent_regularizer": null, "bias_regularizer": null, "activity_regularizer": null, "kernel_constraint": null, "recurrent_constraint": null, "bias_constraint": null, "dropout": 0.0, "recurrent_dropout": 0.0, "seed": null}, "registered_name": null}, "backward_layer": {"module": "keras.layers", "class_name": "LSTM", "config": {"name": "backward_lstm", "trainable": true, \#(policy), "return_sequences": true, "return_state": false, "go_backwards": true, "stateful": false, "unroll": false, "zero_output_for_mask": true, "units": 2, "activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": true, \#(glorot), "recurrent_initializer": {"module": "keras.initializers", "class_name": "Orthogonal", "config": {"seed": null, "gain": 1.0}, "registered_name": null}, \#(zeros), "unit_forget_bias": true, "kernel_regularizer": null, "recurrent_regularizer": null, "bias_regularizer": null, "activity_regularizer": null, "kernel_constraint": null, "recurrent_constraint": null, "bias_constraint": null, "dropout": 0.0, "recurrent_dropout": 0.0, "seed": null}, "registered_name": null}"#,
        #"class: TimeDistributed, "trainable": true, \#(policy), "layer": {"module": "keras.layers", "class_name": "Flatten", "config": {"name": "flatten", "trainable": true, \#(policy), "data_format": "channels_last"}, "registered_name": null}"#,
        "class: LSTM, units: 2, return_sequences: true, unroll: true, use_cudnn: auto, implementation: 2",
    ]) func layersOfSequences(_ layer: String) throws { _ = try job(input: "shape: [6, 3]", layer: layer) }

    @Test(arguments: [
        ("stateful", "true"), ("units", "0"), ("activation", "swosh"), ("dropout", "1.5"),
        ("recurrent_constraint", "NonNegs"), ("return_state", "null"), ("use_cudnn", "maybe"),
    ]) func whatIsNoArgumentOfAnLSTM(key: String, value: String) {
        let units = key == "units" ? "" : "units: 2, "
        let text = refusal { try job(input: "shape: [6, 3]", layer: "class: LSTM, \(units)\(key): \(value)") }
        #expect(text.contains("layers[0].\(key)"), "\(text)")
    }

    @Test(arguments: ["Concatenate", "Add"]) func mergingLayers(_ name: String) throws {
        let axis = name == "Add" ? "" : #""axis": -1, "#
        let entry = #"inputs: [image, image], class: \#(name), "trainable": true, \#(axis)\#(Self.policy)"#
        _ = try Job(
            yaml: """
                model:
                  inputs: {image: {shape: [4]}}
                  layers:
                    - {name: merged, \(entry)}
                    - {name: kind, inputs: merged, class: Dense, units: 3}
                  outputs: [kind]
                outputs: {kind: {loss: mse}}
                data: {train: {files: d.npz}}
                """, folder: "/tmp")
    }

    @Test(arguments: [
        #""batch_shape": [null, 8, 8, 2], "dtype": "float32", "sparse": false, "ragged": false, "name": "image", "optional": false"#,
        "shape: [8, 8, 2], batch_size: null, dtype: null, sparse: null, tensor: null",
    ]) func inputs(_ input: String) throws {
        #expect(try job(input: input) == job(input: "shape: [8, 8, 2]"))
    }

    @Test(arguments: [
        #"{class: MeanSquaredError, "name": "mean_squared_error", "reduction": "sum_over_batch_size"}"#,
        #"{class: MeanAbsoluteError, "name": "mean_absolute_error", "reduction": "sum_over_batch_size", dtype: float32}"#,
        #"{class: Huber, "name": "huber_loss", "reduction": "sum_over_batch_size", delta: 1.0}"#,
        #"{class: BinaryCrossentropy, "name": "binary_crossentropy", "reduction": "sum_over_batch_size", "from_logits": true, "label_smoothing": 0.0, "axis": -1}"#,
        #"{class: CategoricalCrossentropy, "name": "categorical_crossentropy", "reduction": "sum_over_batch_size", "from_logits": true, "label_smoothing": 0.0, "axis": -1}"#,
        #"{module: keras.losses, class_name: CategoricalCrossentropy, config: {"name": "mine", "reduction": "sum_over_batch_size", "from_logits": true}, registered_name: null}"#,
    ]) func losses(_ loss: String) throws { _ = try job(loss: loss, metric: "") }

    @Test func sparseLoss() throws {
        _ = try job(
            loss:
                #"{class: SparseCategoricalCrossentropy, "name": "sparse_categorical_crossentropy", "reduction": "sum_over_batch_size", "from_logits": true, "ignore_class": null, axis: -1}"#,
            metric:
                #"{class: SparseCategoricalAccuracy, "name": "sparse_categorical_accuracy", "dtype": "float32"}, {class: SparseTopKCategoricalAccuracy, "name": "sparse_top_k_categorical_accuracy", "dtype": "float32", "k": 2, from_sorted_ids: false}"#
        )
    }

    @Test(arguments: [
        #"{class: BinaryAccuracy, "name": "binary_accuracy", "dtype": "float32", "threshold": 0.5}"#,
        #"{class: CategoricalAccuracy, "name": "categorical_accuracy", "dtype": "float32"}"#,
        #"{class: TopKCategoricalAccuracy, "name": "top_k_categorical_accuracy", "dtype": "float32", "k": 5}"#,
        #"{class: MeanAbsoluteError, "name": "mean_absolute_error", "dtype": "float32"}"#,
        #"{class: MeanSquaredError, "name": "mean_squared_error", "dtype": "float32"}"#,
        #"{class: RootMeanSquaredError, "name": "root_mean_squared_error", "dtype": "float32"}"#,
        #"{class: Accuracy, "name": "accuracy", "dtype": "float32"}"#,
        #"{class_name: MeanSquaredError, config: {name: mine, dtype: null}}"#,
    ]) func metrics(_ metric: String) throws { _ = try job(metric: metric) }

    private static let ema =
        #""weight_decay": null, "clipnorm": null, "global_clipnorm": null, "clipvalue": null, "use_ema": false, "ema_momentum": 0.99, "ema_overwrite_frequency": null, "loss_scale_factor": null, "gradient_accumulation_steps": null"#
    private static let decaying = ema.replacing(#""weight_decay": null"#, with: #""weight_decay": 0.004"#)
    private static let adam = #""beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-07, "amsgrad": false"#

    @Test(arguments: [
        #"{class: SGD, "name": "sgd", "learning_rate": 0.009999999776482582, \#(ema), "momentum": 0.0, "nesterov": false}"#,
        #"{class: Adam, "name": "adam", "learning_rate": 0.0010000000474974513, \#(ema), \#(adam)}"#,
        #"{class: AdamW, "name": "adamw", "learning_rate": 0.001, \#(decaying), \#(adam), jit_compile: auto, is_legacy_optimizer: false}"#,
        #"{class: Adam, learning_rate: {module: keras.optimizers.schedules, class_name: CosineDecay, config: {"initial_learning_rate": 0.1, "decay_steps": 10, "alpha": 0.0, "name": "CosineDecay", "warmup_target": null, "warmup_steps": 0}, registered_name: null}}"#,
        #"{class: Adam, learning_rate: {class: ExponentialDecay, "initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.9, "staircase": false, "name": "ExponentialDecay"}}"#,
    ]) func optimizers(_ optimizer: String) throws { _ = try job(optimizer: optimizer) }

    @Test(arguments: [
        #"{class: Constant, "value": 0.0}"#, "{class: Zeros}", "{class: Ones}",
        "{class: Identity, gain: 1.0}",
        #"{class: RandomUniform, "seed": null, "minval": -0.05, "maxval": 0.05}"#,
        #"{class: RandomNormal, "seed": null, "mean": 0.0, "stddev": 0.05}"#,
        #"{class: TruncatedNormal, "seed": null, "mean": 0.0, "stddev": 0.05}"#,
        #"{class: Orthogonal, "seed": null, "gain": 1.0}"#,
        #"{class: VarianceScaling, "seed": null, "scale": 1.0, "mode": "fan_in", "distribution": "truncated_normal", "input_axes": null, "output_axes": null}"#,
        #"{class: GlorotNormal, "seed": null, "input_axes": null, "output_axes": null}"#,
        #"{class: HeUniform, "seed": null, "input_axes": null, "output_axes": null}"#,
        #"{class: HeNormal, "seed": null}"#, #"{class: LecunUniform, "seed": null}"#,
        #"{class: LecunNormal, "seed": null}"#,
    ]) func initializers(_ initializer: String) throws {
        _ = try job(last: "class: Dense, units: 3, kernel_initializer: \(initializer)")
    }

    @Test(arguments: [
        "kernel_regularizer: l2", "kernel_regularizer: {class: L2, l2: 0.02}",
        #"kernel_regularizer: {"module": "keras.regularizers", "class_name": "L1L2", "config": {"l1": 0.01, "l2": 0.02}, "registered_name": null}"#,
        #"bias_regularizer: {"module": "keras.regularizers", "class_name": "L1", "config": {"l1": 0.01}, "registered_name": null}"#,
        #"kernel_constraint: {"module": "keras.constraints", "class_name": "MaxNorm", "config": {"max_value": 2, "axis": 0}, "registered_name": null}"#,
        #"bias_constraint: {"module": "keras.constraints", "class_name": "NonNeg", "config": {}, "registered_name": null}"#,
        #"kernel_constraint: {"module": "keras.constraints", "class_name": "MinMaxNorm", "config": {"min_value": 0.0, "max_value": 1.0, "rate": 1.0, "axis": 0}, "registered_name": null}"#,
        "kernel_constraint: unit_norm",
    ]) func weightRules(_ rules: String) throws {
        let job = try job(last: "class: Dense, units: 3, \(rules)")
        #expect(try Job(yaml: job.resolvedYAML, folder: "/tmp") == job)
        #expect(job.resolvedYAML.contains(rules.prefix { $0 != ":" } + ":"))
    }

    /// The term has a name of its own among the logs.
    @Test func theTermOfTheLossHasItsName() throws {
        let named = "{class: MeanAbsoluteError, name: regularization_loss}"
        _ = try job(metric: named)
        let text = refusal {
            try job(metric: named, last: "class: Dense, units: 3, kernel_regularizer: l2")
        }
        #expect(text.contains("logs already have a \"regularization_loss\""), "\(text)")
    }

    private func refusal(_ make: () throws -> Job) -> String {
        let error = #expect(throws: JobError.self) { _ = try make() }
        #expect(error?.exitCode == .badInput)
        return error?.description ?? ""
    }

    @Test(arguments: [
        ("class: Dense, units: 3, lora_rank: 4", "lora_rank: ", "found 4"),
        ("class: Dense, units: 3, dtype: float16", "dtype: ", "training.precision"),
        ("class: AlphaDropout, rate: 0.5, noise_shape: [1]", "noise_shape: ", "[1]"),
        (
            "class: Dense, units: 3, kernel_initializer: {class: HeNormal, seed: 3}",
            "kernel_initializer.seed: ", "the job's seed"
        ),
    ]) func otherValuesOfLayers(_ layer: String, _ key: String, _ part: String) {
        let text = refusal { try job(layer: layer) }
        #expect(text.contains("layers[0].\(key)mio does not have this argument yet"), "\(text)")
        #expect(text.contains(part), "\(text)")
    }

    /// Every argument of `get_config()` at a value that mio does not have: refused by its name, with the value.
    @Test func everyArgumentIsDoneOrRefused() {
        let weights: [(key: String, value: String)] = [
            ("kernel_regularizer", "{class_name: OrthogonalRegularizer}"),
            ("bias_regularizer", "{class_name: L2, config: {l2: -1}}"),
            ("activity_regularizer", "l5"), ("kernel_constraint", "{class_name: MaxNorm, config: {axis: x}}"),
            ("bias_constraint", "[NonNeg]"), ("lora_rank", "4"), ("lora_alpha", "8"),
            ("quantization_config", "{class_name: Int8QuantizationConfig}"), ("dtype", "bfloat16"),
            ("kernel_initializer", "SomebodysOwn"), ("bias_initializer", "null"), ("use_bias", "null"),
            ("activation", "glu"), ("trainable", "null"), ("autocast", "false"),
        ]
        let images: [(key: String, value: String)] = [
            ("data_format", "channels_middle"), ("padding", "causal"), ("padding", "null"),
        ]
        let convolution: [(key: String, value: String)] = [
            ("dilation_rate", "0"), ("dilation_rate", "[1, 2, 1]"), ("groups", "3"), ("strides", "null"),
            ("strides", "[1, 2, 1]"),
        ]
        let layers: [(layer: String, arguments: [(key: String, value: String)])] = [
            ("class: Dense, units: 3", weights),
            ("class: Conv2D, filters: 2, kernel_size: 3", weights + images + convolution),
            ("class: MaxPooling2D", images + [("dtype", "float16"), ("pool_size", "null")]),
            ("class: Flatten", [("data_format", "1"), ("autocast", "false")]),
            (
                "class: Dropout, rate: 0.5",
                [("noise_shape", "[1, 2]"), ("seed", "1.5"), ("activity_regularizer", "l5")]
            ),
            ("class: Activation", [("activation", "swosh"), ("activation", "null")]),
            ("class: Reshape, target_shape: [128]", [("dtype", "float64")]),
            (
                "class: LayerNormalization",
                [
                    ("axis", "null"), ("axis", "[-1, x]"), ("epsilon", "-1"), ("center", "null"),
                    ("rms_scaling", "true"), ("gamma_regularizer", "l5"),
                    ("beta_constraint", "{class: NonNeg, axis: 0}"),
                ]
            ),
        ]
        for (layer, arguments) in layers {
            for (key, value) in arguments {
                let text = refusal { try job(layer: "\(layer), \(key): \(value)") }
                #expect(text.contains("layers[0].\(key)"), "\(layer), \(key): \(value): \(text)")
            }
        }
        for optimizer in ["Adam", "AdamW", "SGD"] {
            for (key, value) in [
                ("use_ema", "maybe"), ("ema_momentum", "2"), ("ema_overwrite_frequency", "-10"),
                ("loss_scale_factor", "128"), ("gradient_accumulation_steps", "2"),
                ("learning_rate", "{class_name: PolynomialDecay}"), ("is_legacy_optimizer", "true"),
                ("weight_decay", "-1"), ("clipnorm", "none"), ("global_clipnorm", "-1"), ("clipvalue", "[1]"),
            ] {
                let text = refusal { try job(optimizer: "{class: \(optimizer), \(key): \(value)}") }
                #expect(text.contains("optimizer.\(key)"), "\(optimizer), \(key): \(value): \(text)")
            }
        }
        for (optimizer, key) in [
            ("{class: AdamW, weight_decay: null}", "weight_decay"), ("{class: Adam, beta_1: null}", "beta_1"),
            ("{class: Adam, beta_2: 1}", "beta_2"), ("{class: Adam, epsilon: null}", "epsilon"),
            ("{class: Adam, amsgrad: null}", "amsgrad"), ("{class: SGD, momentum: 2}", "momentum"),
            ("{class: SGD, nesterov: null}", "nesterov"), ("{class: Adam, momentum: 0.9}", "momentum"),
        ] {
            let text = refusal { try job(optimizer: optimizer) }
            #expect(text.contains("optimizer.\(key)"), "\(optimizer): \(text)")
        }
        for (loss, key) in [
            ("{class: CategoricalCrossentropy, reduction: null}", "reduction"),
            ("{class: CategoricalCrossentropy, reduction: none}", "reduction"),
            ("{class: CategoricalCrossentropy, axis: 1}", "axis"),
            ("{class: BinaryCrossentropy, label_smoothing: 2}", "label_smoothing"),
            ("{class: SparseCategoricalCrossentropy, ignore_class: many}", "ignore_class"),
            ("{class: MeanSquaredError, dtype: float16}", "dtype"),
            ("{class: Huber, delta: 0}", "delta"),
            ("{class_name: MeanSquaredError, module: my.losses}", "module"),
            ("{class_name: MeanSquaredError, registered_name: \"my>MeanSquaredError\"}", "registered_name"),
        ] {
            let text = refusal { try job(loss: loss) }
            #expect(text.contains("loss.\(key)"), "\(loss): \(text)")
        }
    }

    /// Keras says of the loss which class stands for no label; in mio it is the output's.
    @Test func classesThatAreIgnored() throws {
        let output = try #require(
            try job(loss: "{class: SparseCategoricalCrossentropy, ignore_class: 255}", metric: "accuracy")
                .outputs
                .first)
        #expect(output.missingLabel == 255)
        #expect(output.loss.readingLogits().config.json().contains(#""ignore_class": 255"#))
        let other = try job(loss: "sparse_categorical_crossentropy", metric: "accuracy").outputs.first
        #expect(other?.missingLabel == nil)
    }

    @Test func otherValuesElsewhere() {
        #expect(
            refusal { try job(optimizer: "{class: Adam, loss_scale_factor: 128}") }.contains(
                "optimizer.loss_scale_factor: mio does not have this argument yet"))
        #expect(
            refusal { try job(optimizer: "{class: SGD, gradient_accumulation_steps: 4}") }.contains(
                "(training.accumulate does this)"))
        #expect(
            refusal { try job(loss: "{class: BinaryCrossentropy, axis: 1}") }.contains("loss.axis: mio does"))
        #expect(
            refusal { try job(metric: "{class: MeanSquaredError, dtype: float64}") }.contains(
                "dtype: mio does"))
        #expect(
            refusal { try job(input: "shape: [8, 8, 2], sparse: true") }.contains("image.sparse: mio does"))
        #expect(
            refusal { try job(input: "batch_shape: [4, 8, 8, 2]") }.contains(
                "image.batch_shape: expected null"))
        // A key that neither has is still unknown, and what is only tolerated is not offered.
        let unknown = refusal { try job(layer: "class: Dense, units: 3, kernel_regulariser: null") }
        #expect(unknown.contains("did you mean \"kernel_regularizer\"?"), "\(unknown)")
        #expect(!unknown.contains("lora_rank"), "\(unknown)")
    }
}
