import Foundation
import MIOBase
import MIOConfig
import MIOData
import MIOGraph
import MIOObjectives
import Testing

/// Terms of the loss made of layers' results.
@Suite struct ActivityTermTests {
    private static let factor = 0.05

    /// A hidden layer, and the values of an output that its loss would rather have as logits.
    private static func regularized() throws -> Model {
        let input = Input("input", shape: [12])
        let trunk = try dense("trunk", 9, "tanh", ["class": "L2", "l2": .real(factor)], on: input)
        let dropped = Dropout(0.3)(trunk)
        let kind = try dense("kind", 5, "softmax", ["class": "L1L2", "l1": 0.02, "l2": 0.1], on: dropped)
        let box = Dense(4, activation: .sigmoid, name: "box")(trunk)
        return try Model(inputs: [input], outputs: [kind, box])
    }

    /// As a job has it.
    private static func dense(
        _ name: String, _ units: Int, _ activation: String, _ regularizer: ConfigDictionary,
        on input: SymbolicTensor
    ) throws -> SymbolicTensor {
        var reader = ConfigReader(
            [
                "name": .string(name), "units": .integer(units), "activation": .string(activation),
                "activity_regularizer": .dictionary(regularizer),
            ], at: ConfigPath("layer"))
        let layer: any Layer = try LayerRegistry.makeLayer(
            className: "Dense", classKey: "class", config: &reader)
        return layer(input)
    }

    @Test func ranksLanesAndPassesDoNotChangeIt() throws {
        let folder = try WorldSizeTests.writeData(labelled: Set(0..<19))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func train(_ ranks: Int, _ groups: Int, _ lanes: Int, _ pass: Int, strict: Bool) throws
            -> [WorldSizeTests.Trace]
        {
            try WorldSizeTests.train(
                Self.regularized, ranks: ranks, groupSize: groups, lanes: lanes, batchSize: 8, pass: pass,
                folder: folder, virtualShards: strict ? 8 : nil, between: strict ? .tree : .any)
        }
        let alone = try train(1, 1, 1, 8, strict: false)[0]
        for (ranks, groups, lanes, pass) in [(2, 2, 1, 3), (3, 1, 1, 8), (4, 2, 2, 1), (1, 1, 3, 2)] {
            for trace in try train(ranks, groups, lanes, pass, strict: false) {
                WorldSizeTests.expectWithinRounding(trace, alone, "\(ranks) ranks of \(lanes) lanes")
            }
        }
        let strict = try train(1, 1, 1, 3, strict: true)[0]
        for (ranks, groups, lanes) in [(2, 2, 1), (4, 2, 2), (8, 8, 1), (1, 1, 4)] {
            for trace in try train(ranks, groups, lanes, 3, strict: true) {
                #expect(trace.losses == strict.losses && trace.weights == strict.weights)
            }
        }
    }

    /// l2 · Σ y² over n units as a mean over samples is the loss of an output that shall be 0, n · l2 times.
    @Test func isAsAnOutputThatShallBeZero() throws {
        let folder = try WorldSizeTests.writeData(labelled: Set(0..<19), zeros: 9)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        @Sendable func model(_ regularized: Bool) throws -> Model {
            let input = Input("input", shape: [12])
            let trunk = Dense(9, activation: .tanh, name: "trunk")(input)
            let read = regularized ? ActivityRegularization(l2: Self.factor)(trunk) : trunk
            let outputs = [
                Dense(5, activation: .softmax, name: "kind")(read),
                Dense(4, activation: .sigmoid, name: "box")(read),
            ]
            return try Model(
                inputs: [input], outputs: outputs + (regularized ? [] : [trunk.named("hidden")]))
        }
        let term = try WorldSizeTests.train(
            { try model(true) }, ranks: 1, batchSize: 8, pass: 3, folder: folder)[0]
        let output = try WorldSizeTests.train(
            { try model(false) }, ranks: 1, batchSize: 8, pass: 3, folder: folder,
            outputs: {
                WorldSizeTests.outputs() + [
                    OutputSpecification("hidden", loss: MeanSquaredError(), weight: 9 * Self.factor)
                ]
            })[0]
        let tolerance = Double(Float.ulpOfOne) * 19 * 256
        #expect(term.losses.count == output.losses.count)
        for (found, expected) in zip(term.losses, output.losses) {
            // loss, kind_loss, box_loss, regularization_loss or hidden_loss, …
            #expect(abs(found[0] - expected[0]) <= tolerance * abs(expected[0]))
            #expect(found[3] > 0)
            #expect(abs(found[3] - 9 * Self.factor * expected[3]) <= tolerance * abs(found[3]))
        }
        for (found, expected) in zip(term.weights, output.weights) {
            for (found, expected) in zip(found, expected) {
                #expect(abs(Double(found - expected)) <= tolerance * max(1, abs(Double(expected))))
            }
        }
    }

    @Test func jobsNameIt() throws {
        let graph = try Self.regularized().graph
        #expect(graph.hasRegularizers && !graph.hasWeightRegularizers)
        #expect(graph.activities.map { graph.name(of: $0.source) } == ["trunk", "kind"])
        let text = graph.canonical.json()
        #expect(text.contains(#""activity_regularizer": {"class": "L2", "l2": 0.05}"#), "\(text)")
        for (className, written) in [
            ("InputLayer", ["shape": [3], "activity_regularizer": "l2"] as ConfigDictionary),
            ("ActivityRegularization", ["l1": 0.1, "activity_regularizer": "l2"]),
            ("Dense", ["units": 2, "activity_regularizer": "l3"]),
            (
                "TimeDistributed",
                ["layer": .dictionary(["class": "Dense", "units": 2, "activity_regularizer": "l2"])]
            ),
        ] {
            var reader = ConfigReader(written, at: ConfigPath("layer"))
            let error = #expect(throws: ConfigError.self) {
                try LayerRegistry.makeLayer(className: className, classKey: "class", config: &reader)
            }
            #expect(error?.description.contains("activity_regularizer") == true)
        }
    }
}
