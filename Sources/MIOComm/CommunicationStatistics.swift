/// What a rank has asked of its communicator: the same numbers in every run and over every transport, so
/// that tests can hold them fixed.
package struct CommunicationStatistics: Hashable, Sendable {
    /// The number of collective operations called, started ones included.
    package var collectives: Int
    /// The bytes of this rank's values that went into sums and maxima.
    package var bytesReduced: Int
    /// The bytes of gradients that this rank gave into sums between groups, as they travel.
    package var bytesBetweenGroups: Int

    package init(collectives: Int = 0, bytesReduced: Int = 0, bytesBetweenGroups: Int = 0) {
        self.collectives = collectives
        self.bytesReduced = bytesReduced
        self.bytesBetweenGroups = bytesBetweenGroups
    }

    package static func += (sum: inout CommunicationStatistics, other: CommunicationStatistics) {
        sum.collectives += other.collectives
        sum.bytesReduced += other.bytesReduced
        sum.bytesBetweenGroups += other.bytesBetweenGroups
    }

    /// Counts one reduction of `count` elements of type `Element`.
    package mutating func addReduction<Element>(of count: Int, _ type: Element.Type) {
        collectives += 1
        bytesReduced += count * MemoryLayout<Element>.stride
    }
}
