import MIOBase
import MIOSystem
import MIOThreads

/// The ranks as threads of this process, for tests and measurements: every sum is taken in rank order, and a rank that
/// leaves makes the others' collectives fail instead of wait.
package final class InProcessCommunicator: Communicator {
    package let rank: Int
    package let group: RankGroup
    package private(set) var statistics = CommunicationStatistics()
    private let world: InProcessWorld
    /// The ranks that have this one's place in their groups.
    private let column: InProcessWorld
    private var running: [Bool] = []
    private var sharedCount = 0
    private var columnCalls = 0
    private var isFinalized = false

    private init(rank: Int, world: InProcessWorld, groupSize: Int) {
        self.rank = rank
        self.world = world
        group = RankGroup(worldRank: rank, worldSize: world.size, size: groupSize)
        column = world.columns[group.rank]
    }

    package var size: Int { world.size }
    package var name: String { "in-process" }
    package var ranksOnMachine: Int { group.size }
    package var rankOnMachine: Int { group.rank }

    /// Runs `body` on `worldSize` threads, each a rank, and returns when all have ended.
    /// - Parameter groupSize: as many ranks are as if on a machine of their own; all on one without it.
    /// - Returns: what `body` returned, by rank.
    /// - Throws: the error of the lowest rank that failed by itself, and not because another had left.
    package static func run<Value: Sendable>(
        worldSize: Int, groupSize: Int? = nil,
        body: @escaping @Sendable (InProcessCommunicator) throws -> Value
    ) throws -> [Value] {
        precondition(worldSize > 0, "a world of \(worldSize) ranks")
        let groupSize = groupSize ?? worldSize
        let world = InProcessWorld(size: worldSize, groupSize: groupSize)
        let outcomes = Outcomes<Value>(count: worldSize)
        var threads: [JoinableThread] = []
        for rank in 0..<worldSize {
            do {
                threads.append(
                    try JoinableThread(named: "mio rank \(rank)") {
                        let outcome = Result {
                            try body(
                                InProcessCommunicator(rank: rank, world: world, groupSize: groupSize))
                        }
                        outcomes.set(outcome, rank: rank)
                        switch outcome {
                        case .success: world.leave(rank, reason: "it had finished")
                        case .failure(let error): world.leave(rank, reason: "\(error)")
                        }
                    })
            } catch {
                outcomes.set(.failure(error), rank: rank)
                world.leave(rank, reason: "\(error)")
            }
        }
        for thread in threads { thread.join() }
        return try outcomes.values()
    }

    package func add(_ statistics: CommunicationStatistics) { self.statistics += statistics }

    package func allreduceSum(_ values: UnsafeMutablePointer<Float>, count: Int) throws(CommunicationError) {
        try meet(.sumOfFloats(.any), values, count)
        statistics.addReduction(of: count, Float.self)
    }

    package func allreduceSum(_ values: UnsafeMutablePointer<Double>, count: Int) throws(CommunicationError) {
        try meet(.sumOfDoubles, values, count)
        statistics.addReduction(of: count, Double.self)
    }

    package func allreduceMax(_ value: Double) throws(CommunicationError) -> Double {
        var result = value
        // A pointer to a local is good only inside a closure, and the others write through it until then.
        try withUnsafeMutablePointer(to: &result) { (pointer) throws(CommunicationError) in
            try meet(.maximum, pointer, 1)
        }
        statistics.addReduction(of: 1, Double.self)
        return result
    }

    package func shareMemory(byteCount: Int) throws(CommunicationError) -> SharedMemory {
        requireOpen()
        let memory = world.sharedMemory(ofGroup: group.index, number: sharedCount, byteCount: byteCount)
        sharedCount += 1
        try barrier()
        return SharedMemory(
            base: memory.base, byteCount: byteCount, group: group, owner: memory,
            checkPeers: { [world, rank] () throws(CommunicationError) in
                try world.requireGroupPresent(rank: rank, call: "shared memory")
            })
    }

    package func reserve(sums count: Int) {
        while running.count < count { running.append(false) }
        column.reserve(sums: count)
    }

    package func startSumBetweenGroups(
        _ values: UnsafeMutablePointer<Float>, count: Int, order: SumBetweenGroups, number: Int
    ) throws(CommunicationError) {
        precondition(running.indices.contains(number), "sum \(number) is not reserved")
        precondition(!running[number...].contains(true), "sum \(number) is not beyond those that are running")
        requireOpen()
        running[number] = true
        try enterColumn(number + 1, .sumOfFloats(order), values, count)
    }

    package func progress() {}

    package func waitForSum(_ number: Int) throws(CommunicationError) {
        precondition(running.indices.contains(number) && running[number], "sum \(number) was not started")
        try column.await(number + 1, rank: group.index, call: .sumOfFloats(.any))
        running[number] = false
    }

    package func gatherBetweenGroups(_ rows: UnsafeMutablePointer<Double>, count: Int)
        throws(CommunicationError)
    {
        requireOpen()
        let call = InProcessWorld.Call.gatherRows
        try enterColumn(InProcessWorld.blocking, call, rows, count)
        try column.await(InProcessWorld.blocking, rank: group.index, call: call)
    }

    package func broadcastBetweenGroups(_ bytes: UnsafeMutableRawBufferPointer) throws(CommunicationError) {
        if group.rank == 0 {
            let call = InProcessWorld.Call.broadcast(root: 0)
            try enterColumn(InProcessWorld.blocking, call, bytes.baseAddress, bytes.count)
            try column.await(InProcessWorld.blocking, rank: group.index, call: call)
        }
        try barrier()
    }

    package func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws(CommunicationError) {
        requireRank(root)
        try meet(.broadcast(root: root), bytes.baseAddress, bytes.count)
        statistics.collectives += 1
    }

    package func broadcast(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [UInt8] {
        requireRank(root)
        return try exchange(rank == root ? bytes : [], "broadcast from \(root)")[root]
    }

    package func gather(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [[UInt8]]? {
        requireRank(root)
        let all = try exchange(bytes, "gather to \(root)")
        return rank == root ? all : nil
    }

    package func allgather(_ bytes: [UInt8]) throws(CommunicationError) -> [[UInt8]] {
        try exchange(bytes, "allgather")
    }

    package func barrier() throws(CommunicationError) {
        try meet(.barrier, nil, 0)
        statistics.collectives += 1
    }

    /// Ends the process, all of its ranks included.
    package func abort(_ code: ExitCode) -> Never { endProcess(code.rawValue) }

    package func finalize() throws(CommunicationError) {
        guard !isFinalized else { return }
        try meet(.exchange(name: "finalize"), nil, 0)
        isFinalized = true
    }

    private func contribution(
        _ call: InProcessWorld.Call, _ pointer: UnsafeMutableRawPointer?, _ count: Int
    ) -> InProcessWorld.Contribution {
        .init(call: call, sequence: statistics.collectives, pointer: pointer, count: count)
    }

    private func enterColumn(
        _ index: Int, _ call: InProcessWorld.Call, _ pointer: UnsafeMutableRawPointer?, _ count: Int
    ) throws(CommunicationError) {
        columnCalls += 1
        try column.enter(
            index, rank: group.index,
            .init(call: call, sequence: columnCalls - 1, pointer: pointer, count: count))
    }

    private func meet(_ call: InProcessWorld.Call, _ pointer: UnsafeMutableRawPointer?, _ count: Int)
        throws(CommunicationError)
    {
        requireOpen()
        try world.enter(InProcessWorld.blocking, rank: rank, contribution(call, pointer, count))
        try world.await(InProcessWorld.blocking, rank: rank, call: call)
    }

    private func exchange(_ bytes: [UInt8], _ name: String) throws(CommunicationError) -> [[UInt8]] {
        requireOpen()
        let call = InProcessWorld.Call.exchange(name: name)
        try world.enter(InProcessWorld.blocking, rank: rank, contribution(call, nil, 0), offering: bytes)
        let all = try world.await(InProcessWorld.blocking, rank: rank, call: call)
        statistics.collectives += 1
        return all
    }

    private func requireOpen() { precondition(!isFinalized, "a collective after finalize") }

    private func requireRank(_ root: Int) {
        precondition((0..<size).contains(root), "there is no rank \(root) in a world of \(size)")
    }
}

/// What each rank's body returned or threw.
///
/// `@unchecked Sendable`: `results` is read and written with `monitor` held.
private final class Outcomes<Value: Sendable>: @unchecked Sendable {
    private let monitor = Monitor()
    private var results: [Result<Value, any Error>?]

    init(count: Int) { results = .init(repeating: nil, count: count) }

    func set(_ result: Result<Value, any Error>, rank: Int) {
        monitor.lock()
        defer { monitor.unlock() }
        results[rank] = result
    }

    /// - Precondition: every rank has set its result.
    func values() throws -> [Value] {
        monitor.lock()
        defer { monitor.unlock() }
        var consequence: (any Error)?
        for case .failure(let error)? in results {
            guard (error as? CommunicationError)?.departedRank != nil else { throw error }
            consequence = consequence ?? error
        }
        if let consequence { throw consequence }
        return try results.map { try $0!.get() }
    }
}
