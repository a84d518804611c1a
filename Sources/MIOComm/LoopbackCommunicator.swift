import MIOTensor

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

    public func reserve(slots: Int) {
        while running.count < slots { running.append(false) }
    }

    public func startAllreduceSum(_ values: UnsafeMutablePointer<Float>, count: Int, slot: Int) {
        precondition(running.indices.contains(slot), "slot \(slot) is not reserved")
        precondition(!running[slot], "a sum is running in slot \(slot)")
        running[slot] = true
        statistics.addReduction(of: count, Float.self)
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

    public func abort(_ code: ExitCode) -> Never { exit(code.rawValue) }

    public func finalize() {}

    private func countCollective(root: Int = 0) {
        precondition(root == 0, "there is no rank \(root) in a world of 1")
        statistics.collectives += 1
    }
}
