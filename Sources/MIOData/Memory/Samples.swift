import MIOBase

/// Samples in memory, by the names of a model's inputs and outputs: what training, evaluation and prediction take
/// instead of files.
///
///     let samples: Samples = ["image": try SampleArray(pixels, sampleShape: [28, 28, 1]), "kind": SampleArray(labels)]
///
/// Row i of every array belongs to sample i. `<output>_weight`, if it is there, has a weight for each sample of that
/// output. Arrays that the model does not know are left alone.
public struct Samples: Hashable, Sendable {
    /// The arrays by name.
    public var arrays: [String: SampleArray]

    /// Arrays of different lengths are refused when they are used.
    public init(_ arrays: [String: SampleArray]) { self.arrays = arrays }

    /// The array of a name.
    public subscript(name: String) -> SampleArray? {
        get { arrays[name] }
        set { arrays[name] = newValue }
    }

    /// The samples; of arrays of different lengths, those of the longest.
    public var count: Int { arrays.values.map(\.count).max() ?? 0 }
}

extension Samples: ExpressibleByDictionaryLiteral {
    /// - Precondition: each name once.
    public init(dictionaryLiteral elements: (String, SampleArray)...) {
        self.init(Dictionary(uniqueKeysWithValues: elements))
    }
}

extension Samples: CustomStringConvertible {
    /// How many samples, and the shape of each array: `12000 samples: box (4,), input (100,), kind ()`.
    public var description: String {
        "\(counted(count, "sample")): "
            + arrays.sorted { $0.key < $1.key }.map { "\($0.escaped()) \($1.sampleShape)" }.joined(
                separator: ", ")
    }
}
