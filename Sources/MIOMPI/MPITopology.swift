import CMPI
import MIOComm

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where the ranks are, and the communicators of those that belong together.
struct MPITopology {
    let rankOnNode: Int
    let ranksOnNode: Int
    let group: RankGroup
    let groupCommunicator: MPI_Comm
    let column: Column
    /// The column's once more, for what may come between sums that are under way.
    let control: MPI_Comm

    /// The most ranks of a group, where it is not all of a machine: the ranks of one memory of several, for one.
    private static let variable = "MIO_RANKS_PER_GROUP"

    /// - Throws: `CommunicationError`, also for a `MIO_RANKS_PER_GROUP` that is no number or does not divide the
    ///   ranks of a machine.
    init(world: MPI_Comm, rank: Int, size: Int) throws(CommunicationError) {
        let node = try Self.split(rank) {
            MPI_Comm_split_type(
                world, mio_mpi_comm_type_shared(), CInt(rank), mio_mpi_info_null(), &$0)
        }
        rankOnNode = Int(try query(rank, "MPI_Comm_rank") { MPI_Comm_rank(node, $0) })
        ranksOnNode = Int(try query(rank, "MPI_Comm_size") { MPI_Comm_size(node, $0) })
        var mine = [Int64(rank), Int64(ranksOnNode), Int64(Self.canShare(rank, node) ? 1 : 0)]
        try check(
            MPI_Allreduce(mio_mpi_in_place(), &mine[0], 1, mio_mpi_int64(), mio_mpi_min(), node),
            "MPI_Allreduce", rank)
        var freed: MPI_Comm? = node
        try check(MPI_Comm_free(&freed), "MPI_Comm_free", rank)
        var all = [Int64](repeating: 0, count: 3 * size)
        try check(
            MPI_Allgather(mine, 3, mio_mpi_int64(), &all, 3, mio_mpi_int64(), world), "MPI_Allgather", rank)
        let canShare = (0..<size).allSatisfy { all[3 * $0 + 2] == 1 }
        let most = try Self.mostRanksOfGroup(rank, ranksOnNode: ranksOnNode)
        group = RankGroup(
            worldRank: rank, worldSize: size,
            size: !canShare
                ? 1
                : RankGroup.size(
                    lowestRanks: (0..<size).map { Int(all[3 * $0]) },
                    ranksOnNode: (0..<size).map { Int(all[3 * $0 + 1]) }, most: most))
        let (place, index) = (CInt(group.rank), CInt(group.index))
        groupCommunicator = try Self.split(rank) { MPI_Comm_split(world, index, place, &$0) }
        func column() throws(CommunicationError) -> MPI_Comm {
            try Self.split(rank) { MPI_Comm_split(world, place, index, &$0) }
        }
        self.column = Column(
            first: try column(), second: try column(), size: group.count, index: group.index, rank: rank)
        control = try column()
    }

    private static func split(_ rank: Int, _ make: (inout MPI_Comm?) -> CInt) throws(CommunicationError)
        -> MPI_Comm
    {
        var communicator: MPI_Comm?
        try check(make(&communicator), "MPI_Comm_split", rank)
        return communicator!
    }

    private static func mostRanksOfGroup(_ rank: Int, ranksOnNode: Int) throws(CommunicationError) -> Int? {
        guard let text = getenv(variable).map({ String(cString: $0) }) else { return nil }
        guard let most = Int(text), most > 0, ranksOnNode % min(most, ranksOnNode) == 0 else {
            throw CommunicationError(
                call: variable, rank: rank,
                reason: "expected a number that divides the \(ranksOnNode) ranks of this machine, received "
                    + "\"\(text)\"; correct or unset it")
        }
        return most
    }

    /// Whether the ranks of a machine can open each other's memory: not where containers keep them apart.
    private static func canShare(_ rank: Int, _ node: MPI_Comm) -> Bool {
        (try? NodeMemory(byteCount: 64, rank: rank, communicator: node)) != nil
    }
}
