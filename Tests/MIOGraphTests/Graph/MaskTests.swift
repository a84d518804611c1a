import MIOBase
import MIOGraph
import Testing

@Suite struct MaskTests {
    /// Evaluates the mask of a model's only output on integers, a list for each input.
    private func mask(_ model: Model, samples: Int = 1, _ numbers: [[Int32]]) throws -> [Float]? {
        let graph = model.graph
        guard let mask = graph.mask(of: graph.outputs[0].source) else { return nil }
        let positions = mask.shape { graph.spec(of: graph.inputs[$0].source).shape }.count
        let storages = numbers.map { numbers in
            let storage = Storage<Float>(count: numbers.count)
            for (index, number) in numbers.enumerated() {
                storage.pointer[index] = Float(bitPattern: UInt32(bitPattern: number))
            }
            return storage
        }
        var values = [Float](repeating: -1, count: samples * positions)
        let inputs = mask.inputs.map {
            MaskInput(
                number: $0, spec: graph.spec(of: graph.inputs[$0].source),
                values: UnsafePointer(storages[$0].pointer))
        }
        values.withUnsafeMutableBufferPointer {
            mask.write(samples: samples, positions: positions, inputs: inputs, to: $0.baseAddress!)
        }
        withExtendedLifetime(storages) {}
        return values
    }

    private let text = Input("text", shape: [3], dtype: .int32)
    private let more = Input("more", shape: [2], dtype: .int32)
    private let same = Input("same", shape: [3], dtype: .int32)
    private func words(_ name: String) -> Embedding { Embedding(9, 2, maskZero: true, name: name) }

    @Test func wordsThatAreZero() throws {
        let model = try Model(inputs: [text], outputs: [Dense(2)(words("a")(text))])
        #expect(try mask(model, samples: 2, [[1, 0, 2, 0, 0, 3]]) == [1, 0, 1, 0, 0, 1])
        let unmasked = try Model(inputs: [text], outputs: [Dense(2)(Embedding(9, 2)(text))])
        #expect(try mask(unmasked, [[1, 0, 2]]) == nil)
    }

    /// One after the other: each has its own; of an input without a mask all count.
    @Test func joinedAlongTheSteps() throws {
        let both = try Model(
            inputs: [text, more],
            outputs: [Dense(2)(concatenate([words("a")(text), words("b")(more)], axis: 1))])
        #expect(
            try mask(both, samples: 2, [[1, 0, 2, 0, 0, 3], [0, 1, 4, 0]]) == [1, 0, 1, 0, 1, 0, 0, 1, 1, 0])
        let one = try Model(
            inputs: [text, more],
            outputs: [concatenate([Embedding(9, 2)(more), words("a")(text)], axis: -2)])
        #expect(try mask(one, [[1, 0, 2], [0, 0]]) == [1, 1, 1, 0, 1])
        // Masks of joined masks.
        let twice = try Model(
            inputs: [text, more],
            outputs: [
                concatenate(
                    [concatenate([words("a")(text), words("b")(more)], axis: 1), words("c")(more)], axis: 1)
            ])
        #expect(try mask(twice, [[1, 0, 2], [0, 1]]) == [1, 0, 1, 0, 1, 0, 1])
    }

    /// Side by side, as where they are added: a position counts that one of them lets count.
    @Test func joinedAlongTheFeatures() throws {
        for joined in [
            concatenate([words("a")(text), words("b")(same)]), add([words("a")(text), words("b")(same)]),
        ] {
            let model = try Model(inputs: [text, same], outputs: [joined])
            #expect(try mask(model, [[1, 0, 0], [0, 0, 2]]) == [1, 0, 1])
        }
        for joined in [
            concatenate([words("a")(text), Embedding(9, 2)(same)]),
            add([words("a")(text), Embedding(9, 2)(same)]),
        ] {
            let model = try Model(inputs: [text, same], outputs: [joined])
            #expect(try mask(model, [[1, 0, 0], [0, 0, 2]]) == nil)
        }
    }

    @Test func layersThatDropIt() throws {
        for dropped in [Flatten()(words("a")(text)), Reshape([3, 2])(words("a")(text))] {
            #expect(try mask(Model(inputs: [text], outputs: [Dense(2)(dropped)]), [[1, 0, 2]]) == nil)
        }
    }

    /// More axes than the steps before the features.
    @Test func ofSeveralAxes() throws {
        let grid = Input("grid", shape: [2, 2], dtype: .int32)
        let other = Input("other", shape: [2, 1], dtype: .int32)
        let model = try Model(
            inputs: [grid, other],
            outputs: [concatenate([words("a")(grid), words("b")(other)], axis: 2)])
        #expect(try mask(model, [[1, 0, 0, 4], [0, 7]]) == [1, 0, 0, 0, 4 / 4, 1])
    }
}
