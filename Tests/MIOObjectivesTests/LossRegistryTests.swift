import MIOConfig
import MIOObjectives
import Testing

@Suite struct LossRegistryTests {
    private let path = ConfigPath("outputs.box.loss")

    private func read(_ value: ConfigValue) throws -> any Loss { try LossRegistry.read(value, at: path) }

    @Test func names() {
        #expect(
            LossRegistry.all == [
                "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy",
                "categorical_focal_crossentropy",
                "categorical_generalized_cross_entropy", "categorical_hinge", "cosine_similarity", "dice",
                "hinge",
                "huber", "kl_divergence", "log_cosh",
                "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error",
                "mean_squared_logarithmic_error", "pinball", "poisson", "sparse_categorical_crossentropy",
                "squared_hinge", "tversky", "weighted_binary_crossentropy",
            ])
    }

    @Test func understandsEveryForm() throws {
        for form: ConfigValue in [
            "mean_squared_error", "mse", "MSE", "MeanSquaredError",
            .dictionary(["class": "MeanSquaredError"]),
            .dictionary(["class": "mse"]), .dictionary(["name": "mse"]),
            .dictionary(["class": "mse", "reduction": "mean"]),
        ] {
            #expect(try read(form) as? MeanSquaredError == MeanSquaredError())
        }
        #expect(
            try read(.dictionary(["class": "Huber", "delta": 0.5, "reduction": "sum"])) as? Huber
                == Huber(delta: 0.5, reduction: .sum))
        #expect(
            try read(.dictionary(["name": "bce", "from_logits": true, "label_smoothing": 0.1]))
                as? BinaryCrossentropy == BinaryCrossentropy(fromLogits: true, labelSmoothing: 0.1))
    }

    @Test(
        arguments: [
            (
                "mean_square_error" as ConfigValue,
                "outputs.box.loss: expected a loss: unknown name \"mean_square_error\"; did you mean "
                    + "\"mean_squared_error\"? Valid names: " + LossRegistry.all.joined(separator: ", ")
            ),
            (
                .dictionary(["class": "Huber", "delt": 0.5]),
                "outputs.box.loss.delt: unknown key; did you mean \"delta\"? Valid keys here: class, delta, reduction"
            ),
            (
                .dictionary(["class": "Huber", "delta": 0]),
                "outputs.box.loss.delta: expected a number above 0, found 0.0"
            ),
            (
                .dictionary(["class": "BinaryCrossentropy", "label_smoothing": 1.5]),
                "outputs.box.loss.label_smoothing: expected a number from 0.0 to 1.0, found the number 1.5"
            ),
            (
                .dictionary(["class": "mse", "reduction": "average"]),
                "outputs.box.loss.reduction: unknown name \"average\". Valid names: sum_over_batch_size, "
                    + "mean_with_sample_weight, sum"
            ),
            (
                .dictionary(["delta": 1]),
                "outputs.box.loss.class: missing; expected the key \"class\""
            ),
            (
                3,
                "outputs.box.loss: expected a loss: a name, or a mapping with the key \"class\"; found the integer 3"
            ),
        ] as [(ConfigValue, String)]) func refusesWithTheWholeStory(value: ConfigValue, message: String)
    {
        let error = #expect(throws: ConfigError.self) { try read(value) }
        #expect(error?.description == message)
        #expect(error?.exitCode == .badInput)
    }
}
