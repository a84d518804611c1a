import Foundation
import MIOBase
import MIOBatches
import MIOData
import MIORun
import SmallJobs
import Testing

@Suite struct EvaluationTests {
    /// Saved weights give the numbers that training logged: the same sums, in passes that may be cut
    /// otherwise, so within the rounding of sums of 8 products (the longest here) and of 50 samples.
    @Test func evaluationGivesTheLastEpochsValidation() throws {
        let small = try SmallJob()
        let job = try small.job()
        try small.train(job)
        let logged = try small.lastMetrics(job)
        for weights in [WeightsSource.automatic, .newestCheckpoint] {
            let evaluation = try Evaluation.run(
                small.session(job), data: .part("validation"), weights: weights)
            #expect(evaluation.samples == 50)
            #expect(
                evaluation.names == [
                    "loss", "kind_loss", "box_loss", "kind_accuracy", "box_mean_absolute_error",
                ])
            for (name, value) in zip(evaluation.names, evaluation.values) {
                let expected = try #require(logged["val_" + name])
                #expect(abs(value - expected) <= 64 * Double(Float.ulpOfOne) * abs(expected), "\(name)")
            }
        }
    }

    /// Of a run that was trained further and has not finished.
    @Test func aNewerCheckpointIsTakenForAnOlderModel() throws {
        let small = try SmallJob()
        let model = small.path("runs/small/model.safetensors")
        try small.train(small.job("training.epochs=1"))
        #expect(try Evaluation.run(small.session(small.job())).weightsPath == model)
        let finished = try Data(contentsOf: URL(filePath: model))
        try small.train(small.job("training.epochs=2"))
        #expect(try Evaluation.run(small.session(small.job())).weightsPath == model)
        try finished.write(to: URL(filePath: model))
        #expect(
            try Evaluation.run(small.session(small.job())).weightsPath.hasPrefix(
                small.path("runs/small/checkpoints/step-")))
    }

    @Test func testDataIsTheDefault() throws {
        let small = try SmallJob()
        let job = try small.job()
        try small.train(job)
        #expect(try Evaluation.run(small.session(job)).data == "test")
        let all = try Evaluation.run(small.session(job), data: .files(small.path("t*.npz")))
        #expect(all.samples == 140)
    }

    /// Predictions with the labels give the metrics once more.
    @Test func predictionsAgreeWithTheMetrics() throws {
        let small = try SmallJob()
        let job = try small.job("training.epochs=20")
        try small.train(job)
        let path = small.path("predictions.npz")
        let prediction = try Prediction.run(small.session(job), to: path)
        #expect(prediction.samples == 50)
        #expect(prediction.outputs.map(\.name) == ["kind", "box"])

        let written = try Dataset(
            DatasetRequest(files: [path]),
            columns: [ColumnRequest(name: "kind", shape: [3]), ColumnRequest(name: "box", shape: [2])])
        #expect(written.rowCount == 50)
        let data = SmallData(samples: 50, stream: 2)
        var correct = 0
        var error = 0.0
        var kind = [Float](repeating: 0, count: 3)
        var box = [Float](repeating: 0, count: 2)
        for row in 0..<50 {
            written.read(row: row, column: 0, into: &kind)
            written.read(row: row, column: 1, into: &box)
            #expect(abs(kind.reduce(0, +) - 1) <= 4 * Float.ulpOfOne)
            if kind.firstIndex(of: kind.max() ?? 0) == Int(data.kind[row]) { correct += 1 }
            for element in 0..<2 { error += Double(abs(box[element] - data.box[2 * row + element])) / 2 }
        }
        let evaluation = try Evaluation.run(small.session(job))
        let values = Dictionary(uniqueKeysWithValues: zip(evaluation.names, evaluation.values))
        #expect(values["kind_accuracy"] == Double(correct) / 50)
        #expect(correct > 25)
        let logged = try #require(values["box_mean_absolute_error"])
        #expect(abs(logged - error / 50) <= 64 * Double(Float.ulpOfOne) * logged)
    }

    @Test func predictionNeedsNoTargets() throws {
        let small = try SmallJob()
        let job = try small.job()
        try small.train(job)
        let inputs = small.path("inputs.npz")
        let tensor = Tensor(shape: [3, 6], values: [Float](repeating: 0.5, count: 18))
        try NpzWriter.write([("input", tensor)], to: inputs)
        let prediction = try Prediction.run(
            small.session(job), data: .files(inputs), to: small.path("out.npz"))
        #expect(prediction.samples == 3)
    }

    // MARK: Bad input

    private func message(_ body: () throws -> Void) -> (text: String, code: ExitCode?) {
        do {
            try body()
            return ("", nil)
        } catch { return ("\(error)", (error as? any MIOError)?.exitCode) }
    }

    @Test func withoutWeightsThereIsNothingToEvaluate() throws {
        let small = try SmallJob()
        let (text, code) = message { _ = try Evaluation.run(small.session(small.job())) }
        #expect(
            text
                == "\(small.folder.path)/runs/small has no model.safetensors and no checkpoint; train first, or "
                + "name weights")
        #expect(code == .missingInput)
        let (other, _) = message {
            _ = try Evaluation.run(small.session(small.job()), weights: .path("nowhere.safetensors"))
        }
        #expect(
            other
                == "nowhere.safetensors: no such file or folder; name a .safetensors file or a checkpoint's folder"
        )
    }

    @Test func weightsOfAnotherModelAreRefused() throws {
        let small = try SmallJob()
        try small.train(small.job())
        let weights = small.path("runs/small/model.safetensors")
        let (shape, code) = message {
            _ = try Evaluation.run(
                small.session(small.job("model.layers[0].units=9")), weights: .path(weights))
        }
        #expect(
            shape == "\(weights): tensor \"hidden/kernel\": expected shape (6, 9), as in the job, received "
                + "(6, 8); use the job that the weights were trained with")
        #expect(code == .badInput)
        let (bias, _) = message {
            _ = try Evaluation.run(
                small.session(small.job("model.layers[0].use_bias=false")), weights: .path(weights))
        }
        #expect(
            bias
                == "\(weights): tensor \"hidden/bias\": expected only weights that the job's model has, received "
                + "a tensor more; use the job that the weights were trained with")
    }

    @Test func aPartThatTheJobLacksIsNamed() throws {
        let small = try SmallJob()
        let job = try small.job("data.test=null")
        try small.train(job)
        let (text, code) = message { _ = try Evaluation.run(small.session(job), data: .part("test")) }
        #expect(text == "the job has no data.test; it has data.train, data.validation")
        #expect(code == .usage)
        #expect(try Evaluation.run(small.session(job)).data == "validation")
    }

    @Test func anUnwritablePredictionIsRefused() throws {
        let small = try SmallJob()
        let job = try small.job()
        try small.train(job)
        let path = small.path("missing/out.npz")
        let (text, code) = message { _ = try Prediction.run(small.session(job), to: path) }
        #expect(text == "cannot create \(path): No such file or directory")
        #expect(code == .inputOutput)
    }
}
