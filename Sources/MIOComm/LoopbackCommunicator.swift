import MIOBase

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A world of one rank: every sum is its only term, and nothing waits.
public final class LoopbackCommunicator: Communicator {
    public private(set) var statistics = CommunicationStatistics()
    private var running: [Bool] = []

    public init() {}

    public var rank: Int { 0 }
    public var size: Int { 1 }
    public var name: String { "loopback" }
    public var ranksOnNode: Int { 1 }
    public var rankOnNode: Int { 0 }
    public let group = RankGroup(worldRank: 0, worldSize: 1, size: 1)

    public func add(_ statistics: CommunicationStatistics) { self.statistics += statistics }

    public func allreduceSum(_ values: UnsafeMutablePointer<Float>, count: Int) {
        statistics.addReduction(of: count, Float.self)
    }

    public func allreduceSum(_ values: UnsafeMutablePointer<Double>, count: Int) {
        statistics.addReduction(of: count, Double.self)
    }

    public func allreduceMax(_ value: Double) -> Double {
        statistics.addReduction(of: 1, Double.self)
        return value
    }

    public func shareMemory(byteCount: Int) -> SharedMemory {
        SharedMemory(ofOneRank: group, byteCount: byteCount)
    }

    public func gatherBetweenGroups(_ rows: UnsafeMutablePointer<Double>, count: Int) {}

    public func broadcastBetweenGroups(_ bytes: UnsafeMutableRawBufferPointer) { countCollective() }

    public func reserve(slots: Int) {
        while running.count < slots { running.append(false) }
    }

    public func startSumBetweenGroups(
        _ values: UnsafeMutablePointer<Float>, count: Int, order: SumBetweenGroups, slot: Int
    ) {
        precondition(running.indices.contains(slot), "slot \(slot) is not reserved")
        precondition(!running[slot], "a sum is running in slot \(slot)")
        running[slot] = true
    }

    public func progress() {}

    public func wait(slot: Int) {
        precondition(running.indices.contains(slot) && running[slot], "no sum was started in slot \(slot)")
        running[slot] = false
    }

    public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) {
        countCollective(root: root)
    }

    public func broadcast(_ bytes: [UInt8], root: Int) -> [UInt8] {
        countCollective(root: root)
        return bytes
    }

    public func gather(_ bytes: [UInt8], root: Int) -> [[UInt8]]? {
        countCollective(root: root)
        return [bytes]
    }

    public func allgather(_ bytes: [UInt8]) -> [[UInt8]] {
        countCollective()
        return [bytes]
    }

    public func barrier() { countCollective() }

    public func abort(_ code: ExitCode) -> Never { endProcess(code.rawValue) }

    public func finalize() {}

    private func countCollective(root: Int = 0) {
        precondition(root == 0, "there is no rank \(root) in a world of 1")
        statistics.collectives += 1
    }
}
