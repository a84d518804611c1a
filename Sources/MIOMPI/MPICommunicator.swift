import CMPI
import MIOBase
import MIOComm
import MIOSystem

/// The ranks that `mpirun` or `srun` started, over MPI.
///
/// A process can have one, once: MPI cannot be started again. Every return code is checked; a count beyond C's `int`
/// is cut into several calls. Ranks of a machine share memory (`MachineMemory`) unless they are in containers of their
/// own; sums between groups run at the same time as computing, `PendingSums`.
package final class MPICommunicator: Communicator {
    package let rank: Int
    package let size: Int
    package var ranksOnMachine: Int { topology.ranksOnMachine }
    package var rankOnMachine: Int { topology.rankOnMachine }
    package var group: RankGroup { topology.group }
    package private(set) var statistics = CommunicationStatistics()
    private let world: MPI_Comm
    private let topology: MPITopology
    private let elementsPerCall: Int
    private let servesThreads: Bool
    private let sums = PendingSums()
    private var isFinalized = false

    /// Starts MPI: this thread calls it, and one that moves sums between groups along, never at the same time.
    /// - Parameter elementsPerCall: the most elements one call takes, at most `CInt.max`. The default keeps
    ///   a call of doubles below 2 GiB, where implementations that count bytes in `int` begin to fail.
    ///   Others are for tests of how larger counts are cut.
    /// - Throws: `CommunicationError` if MPI was started before or cannot serve threads, or if `srun`
    ///   started several tasks that MPI does not join.
    package init(elementsPerCall: Int = (1 << 28) - 1024) throws(CommunicationError) {
        precondition((1...Int(CInt.max)).contains(elementsPerCall), "\(elementsPerCall) elements per call")
        self.elementsPerCall = elementsPerCall
        // Asked first: MPI sets these variables itself when it starts a world of one.
        let isUnderMPIRun = MPILaunch.isUnderMPIRun
        (world, servesThreads) = try startMPI()
        rank = Int(try query(nil, "MPI_Comm_rank") { MPI_Comm_rank(mio_mpi_comm_world(), $0) })
        size = Int(try query(rank, "MPI_Comm_size") { MPI_Comm_size(mio_mpi_comm_world(), $0) })
        topology = try MPITopology(world: world, rank: rank, size: size)
        let tasks = MPILaunch.tasksOfStep
        guard size > 1 || tasks <= 1 || isUnderMPIRun else {
            throw CommunicationError(
                call: "MPI_Init_thread", rank: rank,
                reason: "srun started \(tasks) tasks, but MPI joins none of them: "
                    + "add --mpi=pmix to srun, or start the ranks with mpirun")
        }
    }

    /// What is wrong with the groups that `MIO_RANKS_PER_GROUP` asks for, the same on all ranks; `nil` if nothing is.
    /// Check it first: each rank is a group of its own then.
    package var fault: (any MIOError)? { topology.fault }

    /// Ends all ranks if MPI runs, else this process: for a rank whose `init` failed.
    package static func endAll(_ code: ExitCode) -> Never {
        var (isStarted, isFinalized): (CInt, CInt) = (0, 0)
        if MPI_Initialized(&isStarted) == MPI_SUCCESS, MPI_Finalized(&isFinalized) == MPI_SUCCESS,
            isStarted != 0, isFinalized == 0
        {
            abortMPI(code.rawValue)
        }
        endProcess(code.rawValue)
    }

    package var name: String { "MPI" }

    package func add(_ statistics: CommunicationStatistics) { self.statistics += statistics }

    package func allreduceSum(_ values: UnsafeMutablePointer<Float>, count: Int) throws(CommunicationError) {
        try allreduce(values, count, mio_mpi_float(), mio_mpi_sum())
        statistics.addReduction(of: count, Float.self)
    }

    package func allreduceSum(_ values: UnsafeMutablePointer<Double>, count: Int) throws(CommunicationError) {
        try allreduce(values, count, mio_mpi_double(), mio_mpi_sum())
        statistics.addReduction(of: count, Double.self)
    }

    package func allreduceMax(_ value: Double) throws(CommunicationError) -> Double {
        // What MPI_MAX makes of a NaN depends on the order of the operands, and so on the rank: whether
        // there is one is reduced beside the values.
        var pair = (value.isNaN ? -Double.infinity : value, value.isNaN ? 1.0 : 0.0)
        try call("MPI_Allreduce") {
            MPI_Allreduce(mio_mpi_in_place(), &pair, 2, mio_mpi_double(), mio_mpi_max(), world)
        }
        statistics.addReduction(of: 1, Double.self)
        return pair.1 == 0 ? pair.0 : .nan
    }

    package func shareMemory(byteCount: Int) throws -> SharedMemory {
        guard group.size > 1 else { return SharedMemory(ofOneRank: group, byteCount: byteCount) }
        // Over all groups: where one has none, all ranks end, with one message.
        let memory = try agree(on: "shared memory") {
            let group = topology.groupCommunicator
            return try sums.exclusively {
                Result { try MachineMemory(byteCount: byteCount, rank: rank, communicator: group) }
            }.get()
        }
        guard let memory else { preconditionFailure("no rank failed, and the lowest has no memory") }
        return SharedMemory(
            base: memory.base, byteCount: memory.byteCount, group: group, owner: memory)
    }

    package func reserve(sums count: Int) {
        sums.reserve(sums: count, hasThread: servesThreads && group.count > 1)
    }

    package func startSumBetweenGroups(
        _ values: UnsafeMutablePointer<Float>, count: Int, order: SumBetweenGroups, number: Int
    ) throws(CommunicationError) {
        try sums.start(
            values, count: count, order: order, elementsPerCall: elementsPerCall, column: topology.column,
            number: number)
    }

    package func gatherBetweenGroups(_ rows: UnsafeMutablePointer<Double>, count: Int)
        throws(CommunicationError)
    {
        guard let count = CInt(exactly: count) else {
            preconditionFailure("\(count) numbers a rank are more than one call takes")
        }
        let (type, ranks) = (mio_mpi_double(), topology.control)
        guard sums.areLarge else {
            return try call("MPI_Allgather") {
                MPI_Allgather(mio_mpi_in_place(), 0, type, rows, count, type, ranks)
            }
        }
        try sums.complete("MPI_Iallgather", rank: rank) {
            MPI_Iallgather(mio_mpi_in_place(), 0, type, rows, count, type, ranks, &$0)
        }
    }

    package func progress() throws(CommunicationError) { try sums.progress() }

    package func waitForSum(_ number: Int) throws(CommunicationError) { try sums.waitForSum(number) }

    /// Whether the sum started with this number is complete; only looks. Between groups sums also move without the caller.
    package func isSumComplete(_ number: Int) -> Bool { sums.isSumComplete(number) }

    package func broadcastBetweenGroups(_ bytes: UnsafeMutableRawBufferPointer) throws(CommunicationError) {
        if group.rank == 0 { try broadcastPieces(bytes, root: 0, over: topology.control) }
        try barrier()
    }

    package func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws(CommunicationError) {
        try broadcastPieces(bytes, root: root)
        statistics.collectives += 1
    }

    package func broadcast(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [UInt8] {
        var length = Int64(bytes.count)
        try call("MPI_Bcast") { MPI_Bcast(&length, 1, mio_mpi_int64(), rankArgument(root), world) }
        var result = rank == root ? bytes : [UInt8](repeating: 0, count: Int(length))
        try result.withUnsafeMutableBufferPointer { (buffer) throws(CommunicationError) in
            try broadcastPieces(UnsafeMutableRawBufferPointer(buffer), root: root)
        }
        statistics.collectives += 1
        return result
    }

    package func gather(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [[UInt8]]? {
        let lengths = try allgatherLengths(bytes.count)
        let result = try gatherBytes(bytes, lengths, root: root)
        statistics.collectives += 1
        return result
    }

    package func allgather(_ bytes: [UInt8]) throws(CommunicationError) -> [[UInt8]] {
        let lengths = try allgatherLengths(bytes.count)
        let result = try allgatherBytes(bytes, lengths)
        statistics.collectives += 1
        return result
    }

    package func barrier() throws(CommunicationError) {
        try call("MPI_Barrier") { MPI_Barrier(world) }
        statistics.collectives += 1
    }

    package func abort(_ code: ExitCode) -> Never { sums.exclusively { abortMPI(code.rawValue) } }

    package func finalize() throws(CommunicationError) {
        guard !isFinalized else { return }
        sums.end()
        // mpirun ends the others when a rank exits with a code other than 0: all have done their writing
        // once the barrier is passed.
        try call("MPI_Barrier") { MPI_Barrier(world) }
        isFinalized = true
        try call("MPI_Finalize") { MPI_Finalize() }
    }
}

extension MPICommunicator {
    /// Calls one of MPI's functions while no other thread calls any.
    private func call(_ name: String, _ body: () -> CInt) throws(CommunicationError) {
        try sums.exclusively { () throws(CommunicationError) in try check(body(), name, rank) }
    }

    private func allreduce(
        _ values: UnsafeMutablePointer<some Any>, _ count: Int, _ type: MPI_Datatype, _ operation: MPI_Op
    ) throws(CommunicationError) {
        var pieces = Pieces(of: count, atMost: elementsPerCall)
        while let piece = pieces.next() {
            try call("MPI_Allreduce") {
                MPI_Allreduce(
                    mio_mpi_in_place(), values + piece.offset, piece.count, type, operation, world)
            }
        }
    }

    private func broadcastPieces(
        _ bytes: UnsafeMutableRawBufferPointer, root: Int, over communicator: MPI_Comm? = nil
    ) throws(CommunicationError) {
        var pieces = Pieces(of: bytes.count, atMost: elementsPerCall)
        while let piece = pieces.next() {
            try call("MPI_Bcast") {
                MPI_Bcast(
                    bytes.baseAddress! + piece.offset, piece.count, mio_mpi_byte(), rankArgument(root),
                    communicator ?? world)
            }
        }
    }

    private func allgatherLengths(_ length: Int) throws(CommunicationError) -> [Int] {
        var lengths = [Int64](repeating: 0, count: size)
        lengths[rank] = Int64(length)
        try lengths.withUnsafeMutableBufferPointer { (buffer) throws(CommunicationError) in
            try call("MPI_Allgather") {
                MPI_Allgather(
                    mio_mpi_in_place(), 1, mio_mpi_int64(), buffer.baseAddress, 1, mio_mpi_int64(), world)
            }
        }
        return lengths.map { Int($0) }
    }

    private func allgatherBytes(_ bytes: [UInt8], _ lengths: [Int]) throws(CommunicationError) -> [[UInt8]] {
        guard let layout = GatherLayout(lengths: lengths, atMost: elementsPerCall) else {
            // Together they pass what one call can count: rank by rank, in pieces.
            var result = lengths.map { [UInt8](repeating: 0, count: $0) }
            result[rank] = bytes
            for root in 0..<size {
                try result[root].withUnsafeMutableBufferPointer { (buffer) throws(CommunicationError) in
                    try broadcastPieces(UnsafeMutableRawBufferPointer(buffer), root: root)
                }
            }
            return result
        }
        var flat = [UInt8](repeating: 0, count: layout.total)
        try flat.withUnsafeMutableBufferPointer { (buffer) throws(CommunicationError) in
            try call("MPI_Allgatherv") {
                MPI_Allgatherv(
                    bytes, layout.counts[rank], mio_mpi_byte(), buffer.baseAddress, layout.counts,
                    layout.offsets, mio_mpi_byte(), world)
            }
        }
        return layout.split(flat)
    }

    private func gatherBytes(_ bytes: [UInt8], _ lengths: [Int], root: Int)
        throws(CommunicationError) -> [[UInt8]]?
    {
        guard let layout = GatherLayout(lengths: lengths, atMost: elementsPerCall) else {
            return try gatherPieces(bytes, lengths, root: root)
        }
        var flat = [UInt8](repeating: 0, count: rank == root ? layout.total : 0)
        try flat.withUnsafeMutableBufferPointer { (buffer) throws(CommunicationError) in
            try call("MPI_Gatherv") {
                MPI_Gatherv(
                    bytes, layout.counts[rank], mio_mpi_byte(), buffer.baseAddress, layout.counts,
                    layout.offsets, mio_mpi_byte(), rankArgument(root), world)
            }
        }
        return rank == root ? layout.split(flat) : nil
    }

    /// Together the bytes pass what one call can count: each rank sends its own, in pieces.
    private func gatherPieces(_ bytes: [UInt8], _ lengths: [Int], root: Int)
        throws(CommunicationError) -> [[UInt8]]?
    {
        let tag: CInt = 1
        guard rank == root else {
            var pieces = Pieces(of: bytes.count, atMost: elementsPerCall)
            try bytes.withUnsafeBufferPointer { (buffer) throws(CommunicationError) in
                while let piece = pieces.next() {
                    try call("MPI_Send") {
                        MPI_Send(
                            buffer.baseAddress! + piece.offset, piece.count, mio_mpi_byte(),
                            rankArgument(root), tag, world)
                    }
                }
            }
            return nil
        }
        var result = lengths.map { [UInt8](repeating: 0, count: $0) }
        result[rank] = bytes
        for source in 0..<size where source != root {
            var pieces = Pieces(of: lengths[source], atMost: elementsPerCall)
            try result[source].withUnsafeMutableBufferPointer { (buffer) throws(CommunicationError) in
                while let piece = pieces.next() {
                    try call("MPI_Recv") {
                        MPI_Recv(
                            buffer.baseAddress! + piece.offset, piece.count, mio_mpi_byte(),
                            rankArgument(source), tag, world, nil)
                    }
                }
            }
        }
        return result
    }

    private func rankArgument(_ root: Int) -> CInt {
        precondition((0..<size).contains(root), "there is no rank \(root) in a world of \(size)")
        return CInt(root)
    }
}
