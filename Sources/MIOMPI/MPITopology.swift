import CMPI
import MIOBase
import MIOComm
import MIOSystem

/// Where the ranks are, and the communicators of those that belong together.
struct MPITopology {
    let rankOnMachine: Int
    let ranksOnMachine: Int
    let group: RankGroup
    let groupCommunicator: MPI_Comm
    let column: Column
    /// The column's once more, for what may come between sums that are under way.
    let control: MPI_Comm
    /// What is wrong with the size of groups that was asked for: the same on all ranks. Each is then alone.
    let fault: RunError?

    /// What a rank knows of itself, in the order in which it travels.
    private enum Fact: Int, CaseIterable { case lowestRank, ranksOnMachine, canShare, ranksPerGroup }

    /// - Throws: `CommunicationError`
    init(world: MPI_Comm, rank: Int, size: Int) throws(CommunicationError) {
        let machine = try Self.split(rank) {
            MPI_Comm_split_type(
                world, mio_mpi_comm_type_shared(), CInt(rank), mio_mpi_info_null(), &$0)
        }
        rankOnMachine = Int(try query(rank, "MPI_Comm_rank") { MPI_Comm_rank(machine, $0) })
        ranksOnMachine = Int(try query(rank, "MPI_Comm_size") { MPI_Comm_size(machine, $0) })
        let canShare = try Self.canShare(rank, machine, place: rankOnMachine, ranks: ranksOnMachine)
        let asked = RanksPerGroup.environment
        var mine = [Int64(rank), Int64(ranksOnMachine), canShare ? 1 : 0, asked.number]
        try check(
            MPI_Allreduce(mio_mpi_in_place(), &mine[0], 1, mio_mpi_int64(), mio_mpi_min(), machine),
            "MPI_Allreduce", rank)
        var freed: MPI_Comm? = machine
        try check(MPI_Comm_free(&freed), "MPI_Comm_free", rank)
        let facts = Fact.allCases.count
        var all = [Int64](repeating: 0, count: facts * size)
        try check(
            MPI_Allgather(mine, CInt(facts), mio_mpi_int64(), &all, CInt(facts), mio_mpi_int64(), world),
            "MPI_Allgather", rank)
        func each(_ fact: Fact) -> [Int] { (0..<size).map { Int(all[facts * $0 + fact.rawValue]) } }
        let askedByEach = each(.ranksPerGroup).map { RanksPerGroup(number: Int64($0)) }
        fault = RanksPerGroup.fault(askedByEach, ranksOnMachine: each(.ranksOnMachine))
        group = RankGroup(
            worldRank: rank, worldSize: size,
            size: fault != nil || each(.canShare).contains(0)
                ? 1
                : RankGroup.size(
                    lowestRanks: each(.lowestRank), ranksOnMachine: each(.ranksOnMachine), most: asked.limit))
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

    /// Whether this rank sees what the others of its machine write: not where containers keep them apart, which may
    /// number their processes alike.
    private static func canShare(_ rank: Int, _ machine: MPI_Comm, place: Int, ranks: Int)
        throws(CommunicationError) -> Bool
    {
        let memory = try? MachineMemory(
            byteCount: ranks * MemoryLayout<Int64>.stride, rank: rank, communicator: machine)
        let marks = memory?.base.bindMemory(to: Int64.self, capacity: ranks)
        marks?[place] = Int64(rank + 1)
        try check(MPI_Barrier(machine), "MPI_Barrier", rank)
        guard let marks else { return false }
        return withExtendedLifetime(memory) { (0..<ranks).allSatisfy { marks[$0] != 0 } }
    }
}
