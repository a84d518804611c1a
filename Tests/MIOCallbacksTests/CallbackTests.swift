import MIOCallbacks
import MIOConfig
import MIOObjectives
import MIOOptimizers
import Testing

/// What each callback decides, from numbers by hand.
@Suite struct CallbackTests {
    /// The actions of each epoch, of a curve of `val_loss`.
    private func actions(
        _ callback: any Callback, _ curve: [Double], learningRate: Double = 0.1
    ) -> [[CallbackAction]] {
        var state = CallbackState()
        var rate = learningRate
        return curve.enumerated().map { epoch, value in
            let logs = EpochLogs(
                epoch: epoch, values: ["val_loss": value, "learning_rate": rate],
                directions: ["val_loss": .down])
            let actions =
                callback.epochBegins(epoch, learningRate: rate, state: &state)
                + callback.epochEnds(logs, state: &state)
            for case .setLearningRate(let value, _) in actions { rate = value }
            return actions
        }
    }

    private func stopsAfter(_ callback: EarlyStopping, _ curve: [Double]) -> Int? {
        actions(callback, curve).firstIndex { $0.contains { if case .stop = $0 { true } else { false } } }
    }

    @Test func earlyStoppingWaitsForPatience() {
        #expect(stopsAfter(EarlyStopping(patience: 2), [1, 0.9, 0.95, 0.93, 0.8]) == 3)
        #expect(stopsAfter(EarlyStopping(patience: 2), [1, 0.9, 0.95, 0.89, 0.9, 0.9]) == 5)
        // Less than min_delta better is not better.
        #expect(stopsAfter(EarlyStopping(minDelta: 0.1, patience: 1), [1, 0.95, 0.85]) == 1)
        #expect(stopsAfter(EarlyStopping(patience: 1, startFromEpoch: 2), [1, 2, 3, 4, 5]) == 3)
        #expect(stopsAfter(EarlyStopping(patience: 1, mode: .max), [1, 2, 3, 3]) == 3)
        // The baseline was not beaten: the count goes on, though the numbers get better.
        #expect(stopsAfter(EarlyStopping(patience: 2, baseline: 0.5), [1, 0.9, 0.8, 0.85]) == 3)
    }

    @Test func notANumberIsNeverBetter() {
        #expect(stopsAfter(EarlyStopping(patience: 2), [.nan, 1, .nan, .nan]) == 3)
        #expect(stopsAfter(EarlyStopping(patience: 2), [.nan, 1, 0.9, 0.8]) == nil)
    }

    @Test func theBestEpochsWeightsAreKept() {
        let kept = actions(EarlyStopping(patience: 3, restoreBestWeights: true), [.nan, 1, 2, 0.5]).map {
            $0.contains(.keepBestWeights)
        }
        #expect(kept == [true, true, false, true])
    }

    @Test func aPlateauLowersTheLearningRate() {
        let callback = ReduceLROnPlateau(factor: 0.5, patience: 2, cooldown: 1, minLearningRate: 0.03)
        let rates = actions(callback, [1, 1, 1, 1, 1, 1, 1, 1]).map { actions -> Double? in
            for case .setLearningRate(let value, _) in actions { return value }
            return nil
        }
        // Two epochs without a better number; one of cooldown, which counts as the first again when it ends.
        #expect(rates == [nil, nil, 0.05, nil, 0.03, nil, nil, nil])
    }

    @Test func bothFormsOfTheScheduler() {
        let decay = LearningRateScheduler(factor: 0.5, startEpoch: 2)
        let schedule = LearningRateScheduler(
            schedule: ExponentialDecay(initialLearningRate: 1, decaySteps: 1, decayRate: 0.5))
        func rates(_ callback: LearningRateScheduler) -> [Double?] {
            actions(callback, [1, 1, 1, 1]).map { actions in
                for case .setLearningRate(let value, _) in actions { return value }
                return nil
            }
        }
        #expect(rates(decay) == [nil, nil, 0.05, 0.025])
        #expect(rates(schedule) == [1, 0.5, 0.25, 0.125])
    }

    @Test func theBestModelIsSaved() throws {
        let callback = ModelCheckpoint(
            path: try FilePattern("{epoch:02d}-{val_loss:.2f}.safetensors"), saveBestOnly: true,
            initialValueThreshold: 0.9)
        let paths = actions(callback, [1, 0.8, 0.85, 0.7]).map { actions -> String? in
            for case .save(let path, _) in actions { return path }
            return nil
        }
        #expect(paths == [nil, "02-0.80.safetensors", nil, "04-0.70.safetensors"])
    }

    @Test(arguments: [
        ("{epoch}-{val_loss}.x", "3-0.125.x"), ("{epoch:03d}", "003"), ("{{a}}{val_loss:.1e}", "{a}1.2e-01"),
        ("plain", "plain"), ("{val_loss:8.3f}|", "   0.125|"),
    ]) func patterns(text: String, expected: String) throws {
        let logs = EpochLogs(epoch: 2, values: ["val_loss": 0.125], directions: [:])
        #expect(try FilePattern(text).filled(logs) == expected)
    }

    @Test(arguments: ["{", "}", "{a:x}", "{a:s}", "{a:>3d}"]) func wrongPatterns(text: String) {
        #expect(throws: ConfigError.self) { try FilePattern(text) }
    }

    @Test func aStateReadsBackBitForBit() throws {
        var state = CallbackState()
        state["best"] = 0.1 + 0.2
        state[count: "wait"] = 3
        state["infinite"] = -.infinity
        var reader = ConfigReader(state.config, at: ConfigPath())
        #expect(try CallbackState(reading: &reader) == state)
    }
}

/// Callbacks of a job file.
@Suite struct CallbackRegistryTests {
    private func read(_ config: ConfigValue) throws -> any Callback {
        try CallbackRegistry.read(config, at: ConfigPath("callbacks"))
    }

    private func message(_ arguments: ConfigDictionary) -> String {
        do {
            _ = try read(.dictionary(arguments))
            return "no error"
        } catch { return "\(error)" }
    }

    @Test(arguments: CallbackRegistry.all) func configurationsReadBack(name: String) throws {
        var config: ConfigDictionary = ["class": .string(name)]
        if name == "LearningRateScheduler" { config["factor"] = 0.5 }
        let callback = try read(.dictionary(config))
        #expect(try read(callback.config).config == callback.config)
        // As Keras has it.
        config["verbose"] = 1
        #expect(try read(.dictionary(config)).config == callback.config)
    }

    @Test(arguments: [("x.keras", false), ("{epoch}.weights.h5", true), ("x.safetensors", true)])
    func theNameSaysWhatIsSaved(name: String, isWeightsOnly: Bool) throws {
        let config: ConfigDictionary = ["class": "ModelCheckpoint", "filepath": .string(name)]
        let callback = try #require(try read(.dictionary(config)) as? ModelCheckpoint)
        #expect(callback.saveWeightsOnly == isWeightsOnly)
        #expect(try read(callback.config).config == callback.config)
    }

    @Test func whatIsWrongIsSaid() {
        #expect(message(["class": "EarlyStoping"]).contains("did you mean \"EarlyStopping\"?"))
        #expect(message(["class": "BackupAndRestore"]).contains("mio does so by itself"))
        #expect(message(["class": "EarlyStopping", "patience": -1]).contains("callbacks.patience"))
        #expect(message(["class": "ReduceLROnPlateau", "factor": 1.0]).contains("below 1"))
        #expect(message(["class": "LearningRateScheduler"]).contains("callbacks.schedule: missing"))
        #expect(
            message(["class": "LearningRateScheduler", "schedule": "decay"]).contains("a function of Python"))
        #expect(
            message(["class": "ModelCheckpoint", "filepath": "x.h5"])
                .contains("ends in .keras, .weights.h5 or .safetensors, found \"x.h5\""))
        #expect(
            message(["class": "ModelCheckpoint", "filepath": "x.keras", "save_weights_only": true])
                .contains("name a .weights.h5 file"))
        #expect(
            message(["class": "ModelCheckpoint", "filepath": "x.weights.h5", "save_weights_only": false])
                .contains("name a .keras file"))
        #expect(
            message(["class": "ModelCheckpoint", "save_freq": 100]).contains("checkpoints.every_steps"))
        #expect(message(["class": "CSVLogger", "separator": ";;"]).contains("one character"))
    }
}
