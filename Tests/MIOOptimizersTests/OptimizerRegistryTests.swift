import MIOConfig
import MIOOptimizers
import Testing

@Suite struct OptimizerRegistryTests {
    private func read(_ value: ConfigValue) throws -> any Optimizer {
        try OptimizerRegistry.read(value, at: ConfigPath("optimizer"))
    }

    @Test func defaultsAreThoseOfKeras() throws {
        let adam = try #require(try read("adam") as? Adam)
        #expect(adam.options.learningRate.value(at: 0) == 0.001)
        #expect([adam.beta1, adam.beta2, adam.epsilon] == [0.9, 0.999, 1e-7])
        #expect(!adam.amsgrad && adam.options.weightDecay == nil && adam.options.clipping == .none)
        let sgd = try #require(try read(.dictionary(["class": "SGD"])) as? SGD)
        #expect(sgd.options.learningRate.value(at: 0) == 0.01)
        #expect(sgd.momentum == 0 && !sgd.nesterov)
        #expect(try read("AdamW").options.weightDecay == 0.004)
        #expect(try read(.dictionary(["name": "adamw", "weight_decay": 0.1])).options.weightDecay == 0.1)
        #expect(
            OptimizerRegistry.all == [
                "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lion", "Nadam", "RMSprop", "SGD",
            ])
        #expect(
            ScheduleRegistry.all == [
                "Constant", "CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay",
                "PiecewiseConstantDecay", "PolynomialDecay",
            ])
    }

    @Test(
        arguments: [
            .dictionary(["class": "SGD", "learning_rate": 0.5, "momentum": 0.25, "nesterov": true]),
            .dictionary([
                "class": "SGD", "learning_rate": 0.5, "momentum": 0.0, "nesterov": false,
                "weight_decay": 0.125,
                "clipvalue": 2.0,
            ]),
            .dictionary([
                "class": "Adam", "beta_1": 0.5, "beta_2": 0.75, "epsilon": 1e-8, "amsgrad": true,
                "clipnorm": 1.0,
                "learning_rate": .dictionary([
                    "class": "ExponentialDecay", "initial_learning_rate": 1.0, "decay_steps": 10,
                    "decay_rate": 0.5,
                    "staircase": true, "warmup_steps": 5, "warmup_start": 0.25,
                ]),
            ]),
            .dictionary([
                "class": "AdamW", "beta_1": 0.5, "beta_2": 0.75, "epsilon": 1e-8, "amsgrad": false,
                "weight_decay": 0.25, "global_clipnorm": 1.0,
                "learning_rate": .dictionary([
                    "class": "CosineDecay", "initial_learning_rate": 0.5, "decay_steps": 10, "alpha": 0.125,
                    "warmup_target": 1.0, "warmup_steps": 3,
                ]),
            ]),
            .dictionary([
                "class": "SGD", "momentum": 0.0, "nesterov": false,
                "learning_rate": .dictionary([
                    "class": "Constant", "learning_rate": 0.5, "warmup_steps": 3, "warmup_start": 0.0,
                ]),
            ]),
        ] as [ConfigValue]) func configsReadBackAsTheSame(value: ConfigValue) throws
    {
        #expect(try read(value).config == value)
    }

    @Test(
        arguments: [
            (
                "adm" as ConfigValue,
                "optimizer: expected an optimizer: unknown name \"adm\"; did you mean \"Adam\"? Valid names: "
                    + OptimizerRegistry.all.joined(separator: ", ")
            ),
            (
                .dictionary(["class": "Adam", "beta1": 0.9]),
                "optimizer.beta1: unknown key; did you mean \"beta_1\"? Valid keys here: amsgrad, beta_1, beta_2, class, "
                    + "clipnorm, clipvalue, ema_momentum, ema_overwrite_frequency, epsilon, global_clipnorm, learning_rate, "
                    + "use_ema, weight_decay"
            ),
            (
                .dictionary(["class": "Adam", "beta_2": 1]),
                "optimizer.beta_2: expected a number from 0 up to, not including, 1; found 1.0"
            ),
            (
                .dictionary(["class": "SGD", "momentum": 1.5]),
                "optimizer.momentum: expected a number from 0.0 to 1.0, found the number 1.5"
            ),
            (
                .dictionary(["class": "SGD", "clipnorm": -1]),
                "optimizer.clipnorm: expected a finite number of at least 0.0, found -1.0"
            ),
            (
                .dictionary(["class": "SGD", "clipnorm": 1, "clipvalue": 1]),
                "optimizer.clipvalue: expected at most one of clipnorm, clipvalue and global_clipnorm, found clipnorm and "
                    + "clipvalue; remove all but one"
            ),
            (
                .dictionary(["class": "SGD", "weight_decay": .real(.nan)]),
                "optimizer.weight_decay: expected a number other than NaN, found the number nan"
            ),
            (
                .dictionary(["class": "SGD", "learning_rate": -0.1]),
                "optimizer.learning_rate: expected a finite number of at least 0.0, found -0.1"
            ),
            (
                .dictionary(["class": "SGD", "learning_rate": "fast"]),
                "optimizer.learning_rate: expected a learning rate: a number, or a mapping with the key \"class\" (valid: "
                    + ScheduleRegistry.all.joined(separator: ", ") + "); found \"fast\""
            ),
            (
                .dictionary(["class": "SGD", "learning_rate": .dictionary(["class": "CosinDecay"])]),
                "optimizer.learning_rate.class: expected a learning rate schedule: unknown name \"CosinDecay\"; did you "
                    + "mean \"CosineDecay\"? Valid names: " + ScheduleRegistry.all.joined(separator: ", ")
            ),
            (
                .dictionary([
                    "class": "SGD",
                    "learning_rate": .dictionary([
                        "class": "CosineDecay", "initial_learning_rate": 0.1, "decay_steps": 0,
                    ]),
                ]),
                "optimizer.learning_rate.decay_steps: expected a finite number of at least 1.0, found 0.0"
            ),
            (
                .dictionary([
                    "class": "SGD",
                    "learning_rate": .dictionary([
                        "class": "CosineDecay", "initial_learning_rate": 0.1, "decay_steps": 9,
                        "warmup_steps": 2,
                    ]),
                ]),
                "optimizer.learning_rate.warmup_target: missing: with warmup_steps the learning rate rises from "
                    + "initial_learning_rate to warmup_target, and no target is given"
            ),
            (
                .dictionary([
                    "class": "SGD",
                    "learning_rate": .dictionary(["class": "ExponentialDecay", "decay_steps": 9]),
                ]),
                "optimizer.learning_rate.initial_learning_rate: missing; expected the key \"initial_learning_rate\""
            ),
        ] as [(ConfigValue, String)]) func refusesWithTheWholeStory(value: ConfigValue, message: String)
    {
        let error = #expect(throws: ConfigError.self) { try read(value) }
        #expect(error?.description == message)
    }
}
