import MIOBase
import MIOComm

/// Passes every call on to another communicator, and adds up what the calls allocate inside: that is the
/// transport's library, Open MPI's about ten blocks a started sum, and not ours to remove.
public final class CountingCommunicator: Communicator {
    private let base: any Communicator
    private let allocationCount: () -> Int
    /// Allocations of this thread within calls so far.
    public private(set) var allocations = 0

    /// - Parameter allocationCount: the calling thread's allocations so far.
    public init(_ base: any Communicator, allocationCount: @escaping () -> Int) {
        self.base = base
        self.allocationCount = allocationCount
    }

    private func counted<Value, Failure>(_ call: () throws(Failure) -> Value) throws(Failure) -> Value {
        let before = allocationCount()
        defer { allocations += allocationCount() - before }
        return try call()
    }

    public var rank: Int { base.rank }
    public var size: Int { base.size }
    public var name: String { base.name }
    public var ranksOnNode: Int { base.ranksOnNode }
    public var rankOnNode: Int { base.rankOnNode }
    public var group: RankGroup { base.group }
    public var statistics: CommunicationStatistics { base.statistics }
    public func add(_ statistics: CommunicationStatistics) { base.add(statistics) }

    public func allreduceSum(_ values: UnsafeMutablePointer<Float>, count: Int) throws(CommunicationError) {
        try counted { () throws(CommunicationError) in try base.allreduceSum(values, count: count) }
    }

    public func allreduceSum(_ values: UnsafeMutablePointer<Double>, count: Int) throws(CommunicationError) {
        try counted { () throws(CommunicationError) in try base.allreduceSum(values, count: count) }
    }

    public func allreduceMax(_ value: Double) throws(CommunicationError) -> Double {
        try counted { () throws(CommunicationError) in try base.allreduceMax(value) }
    }

    public func reserve(slots: Int) { base.reserve(slots: slots) }

    public func shareMemory(byteCount: Int) throws -> SharedMemory {
        try counted { () throws in try base.shareMemory(byteCount: byteCount) }
    }

    public func startSumBetweenGroups(
        _ values: UnsafeMutablePointer<Float>, count: Int, order: SumBetweenGroups, slot: Int
    ) throws(CommunicationError) {
        try counted { () throws(CommunicationError) in
            try base.startSumBetweenGroups(values, count: count, order: order, slot: slot)
        }
    }

    public func gatherBetweenGroups(_ rows: UnsafeMutablePointer<Double>, count: Int)
        throws(CommunicationError)
    {
        try counted { () throws(CommunicationError) in try base.gatherBetweenGroups(rows, count: count) }
    }

    public func progress() throws(CommunicationError) {
        try counted { () throws(CommunicationError) in try base.progress() }
    }

    public func wait(slot: Int) throws(CommunicationError) {
        try counted { () throws(CommunicationError) in try base.wait(slot: slot) }
    }

    public func broadcastBetweenGroups(_ bytes: UnsafeMutableRawBufferPointer) throws(CommunicationError) {
        try counted { () throws(CommunicationError) in try base.broadcastBetweenGroups(bytes) }
    }

    public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws(CommunicationError) {
        try counted { () throws(CommunicationError) in try base.broadcast(bytes, root: root) }
    }

    public func broadcast(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [UInt8] {
        try counted { () throws(CommunicationError) in try base.broadcast(bytes, root: root) }
    }

    public func gather(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [[UInt8]]? {
        try counted { () throws(CommunicationError) in try base.gather(bytes, root: root) }
    }

    public func allgather(_ bytes: [UInt8]) throws(CommunicationError) -> [[UInt8]] {
        try counted { () throws(CommunicationError) in try base.allgather(bytes) }
    }

    public func barrier() throws(CommunicationError) {
        try counted { () throws(CommunicationError) in try base.barrier() }
    }

    public func abort(_ code: ExitCode) -> Never { base.abort(code) }

    public func finalize() throws(CommunicationError) { try base.finalize() }
}
