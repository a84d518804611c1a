/// What a rank has asked of its communicator: the same numbers in every run and over every transport, so
/// that tests can hold them fixed.
public struct CommunicationStatistics: Hashable, Sendable {
    /// The number of collective operations called, started ones included.
    public var collectives: Int
    /// The bytes of this rank's values that went into sums and maxima.
    public var bytesReduced: Int
    /// The bytes of gradients that this rank gave into sums between groups, as they travel.
    public var bytesBetweenGroups: Int

    public init(collectives: Int = 0, bytesReduced: Int = 0, bytesBetweenGroups: Int = 0) {
        self.collectives = collectives
        self.bytesReduced = bytesReduced
        self.bytesBetweenGroups = bytesBetweenGroups
    }

    public static func += (sum: inout CommunicationStatistics, other: CommunicationStatistics) {
        sum.collectives += other.collectives
        sum.bytesReduced += other.bytesReduced
        sum.bytesBetweenGroups += other.bytesBetweenGroups
    }

    /// Counts one reduction of `count` elements of type `Element`.
    public mutating func addReduction<Element>(of count: Int, _ type: Element.Type) {
        collectives += 1
        bytesReduced += count * MemoryLayout<Element>.stride
    }
}
