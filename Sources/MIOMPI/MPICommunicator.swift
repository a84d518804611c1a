import CMPI
import MIOComm
import MIOTensor

/// The ranks that `mpirun` or `srun` started, over MPI.
///
/// A process can have one, once: MPI cannot be started again. Every return code is checked; a count beyond C's `int`
/// is cut into several calls. Ranks of a machine share memory (`NodeMemory`) unless they are in containers of their
/// own; sums between groups run at the same time as computing, `PendingSum`.
public final class MPICommunicator: Communicator {
    public let rank: Int
    public let size: Int
    public var ranksOnNode: Int { topology.ranksOnNode }
    public var rankOnNode: Int { topology.rankOnNode }
    public var group: RankGroup { topology.group }
    public private(set) var statistics = CommunicationStatistics()
    private let world: MPI_Comm
    private let topology: MPITopology
    private let elementsPerCall: Int
    private var slots: [PendingSum] = []
    private var isFinalized = false

    /// Starts MPI (MPI_THREAD_FUNNELED: only this thread will call it).
    /// - Parameter elementsPerCall: the most elements one call takes, at most `CInt.max`. The default keeps
    ///   a call of doubles below 2 GiB, where implementations that count bytes in `int` begin to fail.
    ///   Others are for tests of how larger counts are cut.
    /// - Throws: `CommunicationError` if MPI was started before or cannot serve threads, or if `srun`
    ///   started several tasks that MPI does not join.
    public init(elementsPerCall: Int = (1 << 28) - 1024) throws(CommunicationError) {
        precondition((1...Int(CInt.max)).contains(elementsPerCall), "\(elementsPerCall) elements per call")
        self.elementsPerCall = elementsPerCall
        // Asked first: MPI sets these variables itself when it starts a world of one.
        let isUnderMPIRun = MPILaunch.isUnderMPIRun
        world = try startMPI()
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

    public var name: String { "MPI" }

    public func add(_ statistics: CommunicationStatistics) { self.statistics += statistics }

    public func allreduceSum(_ values: UnsafeMutablePointer<Float>, count: Int) throws(CommunicationError) {
        try allreduce(values, count, mio_mpi_float(), mio_mpi_sum())
        statistics.addReduction(of: count, Float.self)
    }

    public func allreduceSum(_ values: UnsafeMutablePointer<Double>, count: Int) throws(CommunicationError) {
        try allreduce(values, count, mio_mpi_double(), mio_mpi_sum())
        statistics.addReduction(of: count, Double.self)
    }

    public func allreduceMax(_ value: Double) throws(CommunicationError) -> Double {
        // What MPI_MAX makes of a NaN depends on the order of the operands, and so on the rank: whether
        // there is one is reduced beside the values.
        var pair = (value.isNaN ? -Double.infinity : value, value.isNaN ? 1.0 : 0.0)
        try withUnsafeMutablePointer(to: &pair) { (pointer) throws(CommunicationError) in
            try check(
                MPI_Allreduce(mio_mpi_in_place(), pointer, 2, mio_mpi_double(), mio_mpi_max(), world),
                "MPI_Allreduce", rank)
        }
        statistics.addReduction(of: 1, Double.self)
        return pair.1 == 0 ? pair.0 : .nan
    }

    public func shareMemory(byteCount: Int) throws(CommunicationError) -> SharedMemory {
        guard group.size > 1 else { return SharedMemory(ofOneRank: group, byteCount: byteCount) }
        let memory = try NodeMemory(
            byteCount: byteCount, rank: rank, communicator: topology.groupCommunicator)
        return SharedMemory(
            base: memory.base, byteCount: memory.byteCount, group: group, owner: memory)
    }

    public func reserve(slots count: Int) {
        while slots.count < count { slots.append(PendingSum()) }
    }

    public func startSumBetweenGroups(
        _ values: UnsafeMutablePointer<Float>, count: Int, order: SumBetweenGroups, slot: Int
    ) throws(CommunicationError) {
        precondition(slots.indices.contains(slot), "slot \(slot) is not reserved")
        try slots[slot].start(
            values, count: count, order: order, elementsPerCall: elementsPerCall,
            column: topology.column)
    }

    public func gatherBetweenGroups(_ rows: UnsafeMutablePointer<Double>, count: Int)
        throws(CommunicationError)
    {
        guard let count = CInt(exactly: count) else {
            preconditionFailure("\(count) numbers a rank are more than one call takes")
        }
        try check(
            MPI_Allgather(
                mio_mpi_in_place(), 0, mio_mpi_double(), rows, count, mio_mpi_double(),
                topology.control), "MPI_Allgather", rank)
    }

    public func progress() throws(CommunicationError) {
        for slot in slots.indices where slots[slot].isRunning {
            _ = try slots[slot].test()
            guard slots[slot].hasBegunAll else { return }
        }
    }

    public func wait(slot: Int) throws(CommunicationError) {
        precondition(slots.indices.contains(slot), "slot \(slot) is not reserved")
        try slots[slot].wait()
    }

    public func broadcastBetweenGroups(_ bytes: UnsafeMutableRawBufferPointer) throws(CommunicationError) {
        if group.rank == 0 {
            try broadcastPieces(bytes, root: 0, over: topology.control)
        }
        try barrier()
    }

    public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws(CommunicationError) {
        try broadcastPieces(bytes, root: root)
        statistics.collectives += 1
    }

    public func broadcast(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [UInt8] {
        var length = Int64(bytes.count)
        try withUnsafeMutablePointer(to: &length) { (pointer) throws(CommunicationError) in
            try check(
                MPI_Bcast(pointer, 1, mio_mpi_int64(), rankArgument(root), world), "MPI_Bcast", rank)
        }
        var result = rank == root ? bytes : [UInt8](repeating: 0, count: Int(length))
        try result.withUnsafeMutableBufferPointer { (buffer) throws(CommunicationError) in
            try broadcastPieces(UnsafeMutableRawBufferPointer(buffer), root: root)
        }
        statistics.collectives += 1
        return result
    }

    public func gather(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [[UInt8]]? {
        let lengths = try allgatherLengths(bytes.count)
        let result = try gatherBytes(bytes, lengths, root: root)
        statistics.collectives += 1
        return result
    }

    public func allgather(_ bytes: [UInt8]) throws(CommunicationError) -> [[UInt8]] {
        let lengths = try allgatherLengths(bytes.count)
        let result = try allgatherBytes(bytes, lengths)
        statistics.collectives += 1
        return result
    }

    public func barrier() throws(CommunicationError) {
        try check(MPI_Barrier(world), "MPI_Barrier", rank)
        statistics.collectives += 1
    }

    public func abort(_ code: ExitCode) -> Never { abortMPI(code.rawValue) }

    public func finalize() throws(CommunicationError) {
        guard !isFinalized else { return }
        precondition(!slots.contains { $0.isRunning }, "finalize() with sums that nobody waited for")
        // mpirun ends the others when a rank exits with a code other than 0: all have done their writing
        // once the barrier is passed.
        try check(MPI_Barrier(world), "MPI_Barrier", rank)
        isFinalized = true
        try check(MPI_Finalize(), "MPI_Finalize", rank)
    }
}

extension MPICommunicator {
    private func allreduce(
        _ values: UnsafeMutablePointer<some Any>, _ count: Int, _ type: MPI_Datatype, _ operation: MPI_Op
    ) throws(CommunicationError) {
        var pieces = Pieces(of: count, atMost: elementsPerCall)
        while let piece = pieces.next() {
            try check(
                MPI_Allreduce(
                    mio_mpi_in_place(), values + piece.offset, piece.count, type, operation, world),
                "MPI_Allreduce", rank)
        }
    }

    private func broadcastPieces(
        _ bytes: UnsafeMutableRawBufferPointer, root: Int, over communicator: MPI_Comm? = nil
    ) throws(CommunicationError) {
        var pieces = Pieces(of: bytes.count, atMost: elementsPerCall)
        while let piece = pieces.next() {
            try check(
                MPI_Bcast(
                    bytes.baseAddress! + piece.offset, piece.count, mio_mpi_byte(), rankArgument(root),
                    communicator ?? world),
                "MPI_Bcast", rank)
        }
    }

    private func allgatherLengths(_ length: Int) throws(CommunicationError) -> [Int] {
        var lengths = [Int64](repeating: 0, count: size)
        lengths[rank] = Int64(length)
        try lengths.withUnsafeMutableBufferPointer { (buffer) throws(CommunicationError) in
            try check(
                MPI_Allgather(
                    mio_mpi_in_place(), 1, mio_mpi_int64(), buffer.baseAddress, 1, mio_mpi_int64(), world),
                "MPI_Allgather", rank)
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
            try check(
                MPI_Allgatherv(
                    bytes, layout.counts[rank], mio_mpi_byte(), buffer.baseAddress, layout.counts,
                    layout.offsets, mio_mpi_byte(), world),
                "MPI_Allgatherv", rank)
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
            try check(
                MPI_Gatherv(
                    bytes, layout.counts[rank], mio_mpi_byte(), buffer.baseAddress, layout.counts,
                    layout.offsets, mio_mpi_byte(), rankArgument(root), world),
                "MPI_Gatherv", rank)
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
                    try check(
                        MPI_Send(
                            buffer.baseAddress! + piece.offset, piece.count, mio_mpi_byte(),
                            rankArgument(root), tag, world),
                        "MPI_Send", rank)
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
                    try check(
                        MPI_Recv(
                            buffer.baseAddress! + piece.offset, piece.count, mio_mpi_byte(),
                            rankArgument(source), tag, world, nil),
                        "MPI_Recv", rank)
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
