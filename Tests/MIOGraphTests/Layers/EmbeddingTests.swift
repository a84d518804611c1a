import MIOBase
import MIOConfig
import MIOGraph
import Testing

@Suite struct EmbeddingTests {
    private static let table: [Double] = [1, 2, 10, 20, 100, 200]

    /// Two samples of three numbers, as `Int32` in the first bytes of the elements.
    private func run(_ numbers: [Int32]) throws -> LayerRun<Double> {
        let run = try LayerRun<Double>(
            Embedding(3, 2), shapes: [[3]], samples: 2, elements: [.int32],
            inputs: [[Double](repeating: 0, count: 6)], weights: [Self.table])
        UnsafeMutableRawPointer(run.inputs[0].pointer).copyMemory(from: numbers, byteCount: 24)
        return run
    }

    @Test func rowsOfIntegers() throws {
        let run = try run([2, 0, 1, 1, 1, 2])
        #expect(run.forward() == [100, 200, 1, 2, 10, 20, 10, 20, 10, 20, 100, 200])
        let gradients = run.backward([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], initial: 1)
        #expect(gradients.weights == [[3, 4, 21, 24, 12, 14]])
    }

    /// Keras casts, which cuts fractions off: −0.9 is word 0.
    @Test func rowsOfFloats() throws {
        let run = try LayerRun<Double>(
            Embedding(3, 2), shapes: [[4]], inputs: [[2.9, -0.9, 1.0, 0.5]], weights: [Self.table])
        #expect(run.forward() == [100, 200, 1, 2, 10, 20, 1, 2])
    }

    /// They end a run before the step; if one came, it would not read beyond the table.
    @Test func numbersOutsideOfTheTableAreNaN() throws {
        let run = try run([3, -1, 1, .max, .min, 0])
        let y = run.forward()
        #expect(
            y.map(\.isNaN) == [true, true, true, true, false, false, true, true, true, true, false, false])
        let gradients = run.backward([Double](repeating: 1, count: 12))
        #expect(gradients.weights == [[1, 1, 1, 1, 0, 0]])
        let floats = try LayerRun<Double>(
            Embedding(3, 2), shapes: [[3]], inputs: [[.nan, .infinity, 3]], weights: [Self.table])
        let isNaN = floats.forward().allSatisfy { $0.isNaN }
        #expect(isNaN)
    }

    @Test func gradients() throws {
        // A step of differences changes no number: those of inputs are 0.
        try checkGradients(
            of: Embedding(4, 3), shapes: [[2, 2]], inputs: [[0.5, 1.5, 3.5, 1.25, 2.5, 0.5, 1.5, 3.5]])
    }

    @Test func shapes() throws {
        let layer = Embedding(5, 7)
        #expect(try layer.results(for: [TensorSpec([80], .int32)]) == [TensorSpec([80, 7])])
        #expect(try layer.results(for: [TensorSpec([], .int32)]) == [TensorSpec([7])])
        #expect(try layer.results(for: [TensorSpec([2, 3])]) == [TensorSpec([2, 3, 7])])
        #expect(layer.weights(for: [[80]]).map(\.name) == ["embeddings"])
        #expect(layer.weights(for: [[80]]).map(\.shape) == [[5, 7]])
        #expect(layer.weights(for: [[80]])[0].initializer == .randomUniform(minval: -0.05, maxval: 0.05))
        #expect(throws: ShapeError.self) { try layer.outputShape(for: [[1], [2]]) }
    }

    @Test func itsOwnConfiguration() throws {
        let layer = Embedding(
            5, 7, embeddingsInitializer: .ones, embeddingsRegularizer: L2(0.5),
            embeddingsConstraint: NonNeg(),
            maskZero: true)
        var config = ConfigReader(layer.config, at: ConfigPath("layer"))
        let read = try LayerRegistry.makeLayer(className: "Embedding", classKey: "class", config: &config)
        #expect(read.config == layer.config)
        #expect(read.weights(for: [[3]]) == layer.weights(for: [[3]]))
        #expect(layer.weights(for: [[3]])[0].rules.regularizer != nil)
        #expect(read.maskRule(ofResult: 0) == .made(value: 0, overLastAxis: false))
    }

    @Test(
        arguments: [
            ["input_dim": 0, "output_dim": 2], ["input_dim": 2, "output_dim": 0], ["output_dim": 2],
            ["input_dim": 2, "output_dim": 2, "lora_rank": 4],
            ["input_dim": 2, "output_dim": 2, "weights": [1]],
        ] as [ConfigDictionary])
    func argumentsThatAreRefused(config: ConfigDictionary) {
        #expect(throws: ConfigError.self) {
            var reader = ConfigReader(config, at: ConfigPath("layer"))
            _ = try LayerRegistry.makeLayer(className: "Embedding", classKey: "class", config: &reader)
        }
    }

    @Test func itReadsAnInputOfTheModel() throws {
        let vector = Input("vector", shape: [3])
        let computed = Dense(3)(vector)
        let error = #expect(throws: GraphError.self) {
            try Model(inputs: [vector], outputs: [Embedding(3, 2, name: "words")(computed)])
        }
        #expect(error?.message.contains("must read an input of the model itself") == true)
        let masked = #expect(throws: GraphError.self) {
            try Model(inputs: [vector], outputs: [Masking(name: "masked")(computed)])
        }
        #expect(masked?.message.contains("must read an input of the model itself") == true)
        let text = Input("text", shape: [3], dtype: .int32)
        let dense = #expect(throws: GraphError.self) {
            try Model(inputs: [text], outputs: [Dense(3)(text)])
        }
        #expect(dense?.message.contains("integers go into an Embedding") == true)
    }

    @Test func readersOfAGraph() throws {
        let (text, vector) = (Input("text", shape: [3], dtype: .int32), Input("vector", shape: [2]))
        let model = try Model(
            inputs: [vector, text],
            outputs: [Embedding(9, 2, name: "a")(text), Embedding(4, 2, name: "b")(vector), Dense(1)(vector)])
        let readers = model.graph.integerReaders
        #expect(readers.map(\.input).sorted() == [0, 1])
        #expect(readers.first { $0.input == 1 }?.range == 0..<9)
        #expect(readers.first { $0.input == 0 }?.element == .float32)
        let float = try #require(readers.first { $0.input == 0 })
        #expect(float.firstOutside([0, 3.9, -0.9, 0], samples: 2, size: 2) == nil)
        #expect(float.firstOutside([0, 3.9, 4, 0], samples: 2, size: 2) == 2)
        #expect(float.firstOutside([.nan], samples: 1, size: 1) == 0)
        #expect(float.firstOutside([0, -1], samples: 1, size: 2) == 1)
    }

    /// Parts of inputs that layers have only moved may be read, each in its own range.
    @Test func readersOfParts() throws {
        let (fields, more) = (
            Input("fields", shape: [4], dtype: .int32), Input("more", shape: [2], dtype: .int32)
        )
        let table = Input("table", shape: [3])
        let first = Embedding(5, 2, name: "first")(GetItem("0")(fields))
        let rest = Embedding(9, 2, name: "rest")(Concatenate()([more, GetItem("3:1:-1")(fields)]))
        let whole = Embedding(20, 2, name: "whole")(Flatten()(Reshape([2, 2])(fields)))
        let cut = Embedding(4, 2, name: "cut")(GetItem("1")(table))
        let model = try Model(inputs: [fields, more, table], outputs: [first, rest, whole, cut])
        func readers(_ name: String) -> [IntegerReader] {
            model.graph.integerReaders.filter { model.graph.nodes[$0.node].name == name }
        }
        #expect(readers("first").map(\.elements) == [[0]])
        #expect(readers("rest").map(\.input) == [0, 1])
        #expect(readers("rest").map(\.elements) == [[2, 3], nil])
        #expect(readers("whole").map(\.elements) == [nil])
        #expect(readers("cut").map(\.element) == [.float32])
        let reader = try #require(readers("cut").first)
        #expect(reader.firstOutside([9, 3.9, 9, 9, 0, 9], samples: 2, size: 3) == nil)
        #expect(reader.firstOutside([9, 3.9, 9, 9, 4, 9], samples: 2, size: 3) == 4)
    }

    @Test func aComputedTensor() throws {
        let table = Input("table", shape: [3])
        let error = #expect(throws: GraphError.self) {
            try Model(inputs: [table], outputs: [Embedding(4, 2)(GetItem("0")(Dense(3)(table)))])
        }
        #expect(error?.message.contains("of a computed tensor") == true)
        let (words, numbers) = (Input("words", shape: [3], dtype: .int32), Input("numbers", shape: [3]))
        let mixed = #expect(throws: GraphError.self) {
            try Model(inputs: [words, numbers], outputs: [Embedding(4, 2)(Concatenate()([words, numbers]))])
        }
        #expect(mixed?.message.contains("expected tensors of float32") == true)
    }

    /// Where elements come from is what forward does with them, and nothing of a tensor's size is made to tell it.
    @Test func movedElementsAreWhatForwardMoves() throws {
        let cases: [(any Layer, [Shape])] = [
            (GetItem("1, ::-2"), [[3, 5]]), (Permute([3, 1, 2]), [[2, 3, 4]]), (RepeatVector(3), [[4]]),
            (Reshape([6, -1]), [[3, 4]]), (Flatten(), [[2, 3]]),
            (Flatten(dataFormat: .channelsFirst), [[3, 2, 2]]),
            (Identity(), [[4]]), (Concatenate(axis: 1), [[2, 3], [1, 3]]),
            (Concatenate(), [[2, 1, 2], [2, 1, 3]]),
        ]
        for (layer, shapes) in cases {
            let output = try layer.outputShape(for: shapes)
            let move = try #require(layer.movedElements(of: shapes))
            // Each element says where it is.
            let inputs = shapes.enumerated().map { number, shape in
                (0..<shape.count).map { Int32(1000 * number + $0) }
            }
            var found = [Int32](repeating: -1, count: output.count)
            let buffers = inputs.map { values in
                let buffer = UnsafeMutablePointer<Float>.allocate(capacity: values.count)
                UnsafeMutableRawPointer(buffer).copyMemory(from: values, byteCount: 4 * values.count)
                return buffer
            }
            defer { for buffer in buffers { buffer.deallocate() } }
            found.withUnsafeMutableBytes { result in
                layer.forward(
                    ForwardCall<Float>(
                        samples: 1, inputShapes: shapes, outputShape: output,
                        inputElements: shapes.map { _ in .int32 }, inputs: buffers.map { UnsafePointer($0) },
                        weights: [], output: result.baseAddress!.assumingMemoryBound(to: Float.self)))
            }
            let expected = (0..<output.count).map { element in
                let from = move(element)
                return Int32(1000 * from.input + from.element)
            }
            #expect(found == expected, "\(type(of: layer).className) of \(shapes)")
        }
        let large = Input("large", shape: [40_000, 40_000], dtype: .int32)
        let model = try Model(inputs: [large], outputs: [Embedding(4, 1)(GetItem("0:2")(Flatten()(large)))])
        #expect(model.graph.nodes.count == 4)
    }

    /// Whole numbers have no term of the loss.
    @Test func wholeNumbersHaveNoActivityRegularizer() throws {
        let words = Input("words", shape: [3], dtype: .int32)
        var reader = ConfigReader(
            ["index": "0:2", "activity_regularizer": .dictionary(["class": "L2", "l2": 0.1])],
            at: ConfigPath())
        let part = try LayerRegistry.makeLayer(className: "GetItem", classKey: "class", config: &reader)
        let error = #expect(throws: GraphError.self) {
            try Model(inputs: [words], outputs: [Embedding(4, 2)(part(words))])
        }
        #expect(error?.message.contains("has an activity_regularizer, and gives whole numbers") == true)
    }
}
