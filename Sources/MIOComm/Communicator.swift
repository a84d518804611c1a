import MIOBase

/// The ranks of one run, as one of them sees them: who it is, and the collective operations.
///
/// Every rank calls the same collectives in the same order with the same counts and roots; a rank that
/// does not is a bug, which the in-process communicator reports and MPI may answer with a hang. Sums are
/// bitwise the same on all ranks, so what each computes from them is too.
///
/// Not Sendable: the thread that made a communicator owns it, and makes all of its calls.
package protocol Communicator: AnyObject {
    /// This rank, in `0..<size`.
    var rank: Int { get }

    /// The number of ranks of the run.
    var size: Int { get }

    /// How the ranks are joined: "loopback", "in-process" or "MPI".
    var name: String { get }

    /// How many ranks share this rank's machine, itself included.
    var ranksOnMachine: Int { get }

    /// This rank among those of its machine, in `0..<ranksOnMachine`.
    var rankOnMachine: Int { get }

    /// This rank among those it shares memory with.
    var group: RankGroup { get }

    /// What this rank has called so far.
    var statistics: CommunicationStatistics { get }

    /// Adds what was reduced without a call: through shared memory.
    func add(_ statistics: CommunicationStatistics)

    /// Replaces each of `count` values with its sum over all ranks. The same bits on all ranks.
    /// - Throws: `CommunicationError`.
    func allreduceSum(_ values: UnsafeMutablePointer<Float>, count: Int) throws(CommunicationError)

    /// Replaces each of `count` values with its sum over all ranks. The same bits on all ranks.
    /// - Throws: `CommunicationError`.
    func allreduceSum(_ values: UnsafeMutablePointer<Double>, count: Int) throws(CommunicationError)

    /// The largest of all ranks' values; NaN, on all ranks, if one of them is NaN.
    /// - Throws: `CommunicationError`.
    func allreduceMax(_ value: Double) throws(CommunicationError) -> Double

    /// Memory that the ranks of this group share, zeroed. All ranks call it, with the same number of bytes.
    /// - Throws: `AgreedError`, on all ranks, if a rank cannot have it; `CommunicationError`.
    func shareMemory(byteCount: Int) throws -> SharedMemory

    /// Makes room for sums that run at the same time, numbered from 0. Call it before the first step:
    /// once each number has been used, starting and waiting allocate nothing but what the transport's library
    /// does inside (Open MPI 4.1: about ten blocks for each started sum, one as large as its values). More
    /// room may be asked for later, less is ignored.
    func reserve(sums count: Int)

    /// Starts to replace each of `count` values with its sum over the ranks that have this rank's place in their
    /// groups, and returns at once. The values belong to the communicator until `waitForSum(_:)` returns: until then
    /// they may be neither read nor written. The same bits on all of these ranks.
    /// - Precondition: the number is reserved, and no sum with it or a higher one is running.
    /// - Throws: `CommunicationError`.
    func startSumBetweenGroups(
        _ values: UnsafeMutablePointer<Float>, count: Int, order: SumBetweenGroups, number: Int
    ) throws(CommunicationError)

    /// Moves the started sums along; returns at once. MPI works on them only inside calls, this one or those of a thread
    /// of its own that looks now and then: call it between pieces of other work.
    /// - Throws: `CommunicationError`.
    func progress() throws(CommunicationError)

    /// Returns when the sum started with this number is complete: the values are then valid and the caller's. Sums are waited
    /// for in the order in which they were started.
    /// - Precondition: a sum was started with this number and not yet waited for.
    /// - Throws: `CommunicationError`.
    func waitForSum(_ number: Int) throws(CommunicationError)

    /// Fills rows with those of the ranks that have this rank's place in their groups.
    /// - Parameter rows: (groups, `count`); this rank's, at its group's index, is given.
    /// - Throws: `CommunicationError`.
    func gatherBetweenGroups(_ rows: UnsafeMutablePointer<Double>, count: Int) throws(CommunicationError)

    /// Fills memory that the ranks of each group share with that of rank 0's group, and returns when all may read it.
    /// - Throws: `CommunicationError`.
    func broadcastBetweenGroups(_ bytes: UnsafeMutableRawBufferPointer) throws(CommunicationError)

    /// Fills `bytes` with those of rank `root`. All ranks give the same number of bytes.
    /// - Throws: `CommunicationError`.
    func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws(CommunicationError)

    /// The bytes of rank `root`, whose number the other ranks need not know: what they give is ignored.
    /// - Throws: `CommunicationError`.
    func broadcast(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [UInt8]

    /// Every rank's bytes, by rank, on rank `root`; `nil` elsewhere. The lengths may differ.
    /// - Throws: `CommunicationError`.
    func gather(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [[UInt8]]?

    /// Every rank's bytes, by rank, on all ranks. The lengths may differ.
    /// - Throws: `CommunicationError`.
    func allgather(_ bytes: [UInt8]) throws(CommunicationError) -> [[UInt8]]

    /// Returns when all ranks have called it.
    /// - Throws: `CommunicationError`.
    func barrier() throws(CommunicationError)

    /// Ends all ranks at once with this exit code. For a rank that failed alone, in the midst of
    /// something the others wait for; where all ranks know of the failure, `finalize` and exit instead.
    func abort(_ code: ExitCode) -> Never

    /// Waits for all ranks and ends communication. No collective may follow; calling it again does nothing.
    /// Write messages before it: once it returns, an exit code other than 0 of another rank may end this
    /// process.
    /// - Throws: `CommunicationError`.
    func finalize() throws(CommunicationError)
}
