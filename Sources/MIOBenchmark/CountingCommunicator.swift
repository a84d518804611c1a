import MIOBase
import MIOComm

/// Passes every call on to another communicator, and adds up what the calls allocate inside: that is the
/// transport's library, Open MPI's about ten blocks a started sum, and not ours to remove.
package final class CountingCommunicator: Communicator {
    private let base: any Communicator
    private let allocationCount: () -> Int
    /// Allocations of this thread within calls so far.
    package private(set) var allocations = 0

    /// - Parameter allocationCount: the calling thread's allocations so far.
    package init(_ base: any Communicator, allocationCount: @escaping () -> Int) {
        self.base = base
        self.allocationCount = allocationCount
    }

    private func counted<Value, Failure>(_ call: () throws(Failure) -> Value) throws(Failure) -> Value {
        let before = allocationCount()
        defer { allocations += allocationCount() - before }
        return try call()
    }

    package var rank: Int { base.rank }
    package var size: Int { base.size }
    package var name: String { base.name }
    package var ranksOnMachine: Int { base.ranksOnMachine }
    package var rankOnMachine: Int { base.rankOnMachine }
    package var group: RankGroup { base.group }
    package var statistics: CommunicationStatistics { base.statistics }
    package func add(_ statistics: CommunicationStatistics) { base.add(statistics) }

    package func allreduceSum(_ values: UnsafeMutablePointer<Float>, count: Int) throws(CommunicationError) {
        try counted { () throws(CommunicationError) in try base.allreduceSum(values, count: count) }
    }

    package func allreduceSum(_ values: UnsafeMutablePointer<Double>, count: Int) throws(CommunicationError) {
        try counted { () throws(CommunicationError) in try base.allreduceSum(values, count: count) }
    }

    package func allreduceMax(_ value: Double) throws(CommunicationError) -> Double {
        try counted { () throws(CommunicationError) in try base.allreduceMax(value) }
    }

    package func reserve(sums count: Int) { base.reserve(sums: count) }

    package func shareMemory(byteCount: Int) throws -> SharedMemory {
        try counted { () throws in try base.shareMemory(byteCount: byteCount) }
    }

    package func startSumBetweenGroups(
        _ values: UnsafeMutablePointer<Float>, count: Int, order: SumBetweenGroups, number: Int
    ) throws(CommunicationError) {
        try counted { () throws(CommunicationError) in
            try base.startSumBetweenGroups(values, count: count, order: order, number: number)
        }
    }

    package func gatherBetweenGroups(_ rows: UnsafeMutablePointer<Double>, count: Int)
        throws(CommunicationError)
    {
        try counted { () throws(CommunicationError) in try base.gatherBetweenGroups(rows, count: count) }
    }

    package func progress() throws(CommunicationError) {
        try counted { () throws(CommunicationError) in try base.progress() }
    }

    package func waitForSum(_ number: Int) throws(CommunicationError) {
        try counted { () throws(CommunicationError) in try base.waitForSum(number) }
    }

    package func broadcastBetweenGroups(_ bytes: UnsafeMutableRawBufferPointer) throws(CommunicationError) {
        try counted { () throws(CommunicationError) in try base.broadcastBetweenGroups(bytes) }
    }

    package func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws(CommunicationError) {
        try counted { () throws(CommunicationError) in try base.broadcast(bytes, root: root) }
    }

    package func broadcast(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [UInt8] {
        try counted { () throws(CommunicationError) in try base.broadcast(bytes, root: root) }
    }

    package func gather(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [[UInt8]]? {
        try counted { () throws(CommunicationError) in try base.gather(bytes, root: root) }
    }

    package func allgather(_ bytes: [UInt8]) throws(CommunicationError) -> [[UInt8]] {
        try counted { () throws(CommunicationError) in try base.allgather(bytes) }
    }

    package func barrier() throws(CommunicationError) {
        try counted { () throws(CommunicationError) in try base.barrier() }
    }

    package func abort(_ code: ExitCode) -> Never { base.abort(code) }

    package func finalize() throws(CommunicationError) { try base.finalize() }
}
