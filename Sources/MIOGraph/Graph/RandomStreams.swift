import MIOBase

/// The random numbers of one call of a layer: as many independent streams as it wants.
///
/// They are keyed by the call's name in the model, not by its number: another layer beside it changes no draw.
package struct RandomStreams: Hashable, Sendable {
    private let path: UInt64

    /// - Parameter path: the call's name, unique in the model.
    package init(path: String) { self.path = digest(path.utf8) }

    private init(key: UInt64) { path = key }

    /// The streams of a layer inside this one: all others than this one's and those of other layers in it.
    package func inside(_ layer: Int) -> RandomStreams {
        let key = Philox(seed: path, stream: 0x696e_6e65_7200 + UInt64(layer)).key
        return RandomStreams(key: UInt64(key[0]) | UInt64(key[1]) << 32)
    }

    /// One of the streams of a run.
    /// - Parameters:
    ///   - index: 0 for the first one of a call.
    ///   - seed: the run's, with whatever the layer adds.
    package func philox(_ index: Int = 0, seed: UInt64) -> Philox {
        Philox(seed: seed, stream: path &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15)
    }
}
