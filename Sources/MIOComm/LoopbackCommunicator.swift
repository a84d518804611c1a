import MIOBase
import MIOSystem

/// A world of one rank: every sum is its only term, and nothing waits.
package final class LoopbackCommunicator: Communicator {
    @exclusivity(unchecked) package private(set) var statistics = CommunicationStatistics()
    private var running: [Bool] = []

    package init() {}

    package var rank: Int { 0 }
    package var size: Int { 1 }
    package var name: String { "loopback" }
    package var ranksOnMachine: Int { 1 }
    package var rankOnMachine: Int { 0 }
    package let group = RankGroup(worldRank: 0, worldSize: 1, size: 1)

    package func add(_ statistics: CommunicationStatistics) { self.statistics += statistics }

    package func allreduceSum(_ values: UnsafeMutablePointer<Float>, count: Int) {
        statistics.addReduction(of: count, Float.self)
    }

    package func allreduceSum(_ values: UnsafeMutablePointer<Double>, count: Int) {
        statistics.addReduction(of: count, Double.self)
    }

    package func allreduceMax(_ value: Double) -> Double {
        statistics.addReduction(of: 1, Double.self)
        return value
    }

    package func shareMemory(byteCount: Int) -> SharedMemory {
        SharedMemory(ofOneRank: group, byteCount: byteCount)
    }

    package func gatherBetweenGroups(_ rows: UnsafeMutablePointer<Double>, count: Int) {}

    package func broadcastBetweenGroups(_ bytes: UnsafeMutableRawBufferPointer) { countCollective() }

    package func reserve(sums count: Int) {
        while running.count < count { running.append(false) }
    }

    package func startSumBetweenGroups(
        _ values: UnsafeMutablePointer<Float>, count: Int, order: SumBetweenGroups, number: Int
    ) {
        precondition(running.indices.contains(number), "sum \(number) is not reserved")
        precondition(!running[number], "sum \(number) is running")
        running[number] = true
    }

    package func progress() {}

    package func waitForSum(_ number: Int) {
        precondition(running.indices.contains(number) && running[number], "sum \(number) was not started")
        running[number] = false
    }

    package func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) {
        countCollective(root: root)
    }

    package func broadcast(_ bytes: [UInt8], root: Int) -> [UInt8] {
        countCollective(root: root)
        return bytes
    }

    package func gather(_ bytes: [UInt8], root: Int) -> [[UInt8]]? {
        countCollective(root: root)
        return [bytes]
    }

    package func allgather(_ bytes: [UInt8]) -> [[UInt8]] {
        countCollective()
        return [bytes]
    }

    package func barrier() { countCollective() }

    package func abort(_ code: ExitCode) -> Never { endProcess(code.rawValue) }

    package func finalize() {}

    private func countCollective(root: Int = 0) {
        precondition(root == 0, "there is no rank \(root) in a world of 1")
        statistics.collectives += 1
    }
}
