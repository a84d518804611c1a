import MIOBase

/// Memory that all ranks of a group see at the same time, zeroed at first.
///
/// Not Sendable: each rank has its own, for the thread that owns the communicator.
package final class SharedMemory {
    /// In multiples of a cache line.
    package let byteCount: Int
    package let group: RankGroup
    private let base: UnsafeMutableRawPointer
    private let owner: AnyObject
    private let checkPeers: () throws(CommunicationError) -> Void

    /// - Parameters:
    ///   - checkPeers: throws if a rank that is waited for cannot come any more.
    ///   - owner: whose memory it is; it lives as long as this.
    package init(
        base: UnsafeMutableRawPointer, byteCount: Int, group: RankGroup, owner: AnyObject,
        checkPeers: @escaping () throws(CommunicationError) -> Void = {}
    ) {
        self.base = base
        self.byteCount = byteCount
        self.group = group
        self.owner = owner
        self.checkPeers = checkPeers
    }

    /// Memory of a group of one rank.
    package convenience init(ofOneRank group: RankGroup, byteCount: Int) {
        precondition(group.size == 1, "memory of one rank for a group of \(group.size)")
        let storage = Storage<UInt8>(count: byteCount)
        self.init(
            base: UnsafeMutableRawPointer(storage.pointer), byteCount: byteCount, group: group, owner: storage
        )
    }

    /// A part of the memory, which lives as long as anyone holds the result.
    /// - Precondition: the part lies inside, and begins at a multiple of the element's size.
    package func storage<Element: BitwiseCopyable>(_ place: SharedLayout.Place<Element>) -> Storage<Element> {
        precondition(
            place.offset + place.count * MemoryLayout<Element>.stride <= byteCount,
            "\(place.count) elements at \(place.offset) in \(byteCount) bytes")
        return Storage(
            pointer: (base + place.offset).bindMemory(to: Element.self, capacity: max(place.count, 1)),
            count: place.count, of: self)
    }

    func check() throws(CommunicationError) { try checkPeers() }
}

/// Places in shared memory, one after the other, each at a cache line.
package struct SharedLayout {
    package struct Place<Element> {
        package let offset: Int
        package let count: Int
    }

    package private(set) var byteCount = 0

    package init() {}

    package mutating func place<Element: BitwiseCopyable>(_ type: Element.Type, count: Int) -> Place<Element>
    {
        defer { byteCount += (max(count, 1) * MemoryLayout<Element>.stride + 63) / 64 * 64 }
        return Place(offset: byteCount, count: count)
    }
}
