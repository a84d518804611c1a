import CVectorLoops
import MIOBase
import MIOComm
import MIOKernels
import MIOPlan
import MIOThreads

/// Adds up what a rank's lanes have made of a batch, in the order of a tree: first of a turn's lanes, then of the turns. A
/// power of two of lanes is a subtree, so that their number changes no bit.
///
/// In a plan of one stage the turns come one after the other and use the same memory. In one of several stages all turns
/// are under way at the same time; each has slabs of its own.
final class LaneSum {
    private let replica: Replica
    private let lanes: Int
    /// That the outputs add up.
    let numbers: Int
    /// (turns that are under way at the same time, lanes, numbers): the outputs' sums.
    private let laneSums: Storage<Double>
    /// Of the turns so far.
    private let gradientTree: TreeAccumulator<Float>
    private let sumTree: TreeAccumulator<Double>
    private let rowTree: RowTree
    /// (turns that are under way at the same time, lanes): listed rows of gradients.
    private let rows: [[[RowGradients]]]
    /// (turns that are under way at the same time, lanes): their gradients; a turn's sums come to its first lane's.
    private let slabs: UnsafeMutablePointer<UnsafePointer<Float>?>
    /// What members of the team do, made once: it would be an allocation.
    @exclusivity(unchecked) private var addUpShare: (Int) -> Void = { _ in }
    /// What the team adds up, and where to.
    private var addedUp:
        (
            slabs: UnsafeMutablePointer<UnsafePointer<Float>?>, range: Range<Int>,
            target: UnsafeMutablePointer<Float>
        )?

    init(replica: Replica, turns: Int, numbers: Int) {
        self.replica = replica
        self.numbers = numbers
        let lanes = replica.lanes.count
        self.lanes = lanes
        let turnsAtOnce = replica.plan.stages.count > 1 ? turns : 1
        laneSums = Storage(count: turnsAtOnce * lanes * numbers)
        gradientTree = TreeAccumulator(terms: turns, count: replica.plan.laneElements) {
            mio_sum_pair($0.count, $0.pointer, $1, $1)
        }
        sumTree = TreeAccumulator(terms: turns, count: numbers)
        rows = (0..<turnsAtOnce).map { turn in
            (0..<lanes).map {
                replica.frame(of: $0, turn: turn, pass: 0, turns: turnsAtOnce).executor.rowGradients
            }
        }
        let (plan, room) = (replica.plan, replica.rowRoom)
        rowTree = RowTree(turns: turns) {
            let tables = RowGradients.all(of: plan)
            for (table, room) in zip(tables, room) { table.reserve(room) }
            return tables
        }
        slabs = .allocate(capacity: turnsAtOnce * lanes)
        for turn in 0..<turnsAtOnce {
            for lane in 0..<lanes {
                let frame = replica.frame(of: lane, turn: turn, pass: 0, turns: turnsAtOnce)
                (slabs + turn * lanes + lane).initialize(to: UnsafePointer(frame.executor.gradients.pointer))
            }
        }
        addUpShare = { [unowned self] member in
            guard let (slabs, range, target) = addedUp else { return }
            addUp(range.share(of: member, among: lanes, unit: 16), slabs, target)
        }
    }

    deinit { slabs.deallocate() }

    /// Makes all sums 0.
    func clearSums() { laneSums.fill(0) }

    /// The sums that a lane adds to.
    /// - Parameter turn: of those that are under way at the same time.
    func sums(ofLane lane: Int, turn: Int = 0) -> UnsafeMutablePointer<Double> {
        laneSums.pointer + (turn * lanes + lane) * numbers
    }

    /// The last turn's sums, which after all turns are those of all.
    var lastSums: UnsafeMutablePointer<Double> { laneSums.pointer + laneSums.count - lanes * numbers }

    /// Adds up what a turn's lanes have made, and takes it as the next term of the turns' sum.
    /// - Parameters:
    ///   - turn: of those that are under way at the same time.
    ///   - rest: the gradients that have not been added up.
    func takeTurn(_ turn: Int = 0, rest: Range<Int>) {
        let slabs = slabs + turn * lanes
        guard let first = slabs[0] else { preconditionFailure("lane 0 has gradients") }
        let adding = replica.timeline?.now ?? 0
        let target = UnsafeMutablePointer(mutating: first)
        let sums = sums(ofLane: 0, turn: turn)
        addUpLanes(slabs, sums, rest, target)
        gradientTree.take(target)
        sumTree.take(sums)
        rowTree.take(rows[turn])
        replica.timeline?.record(.tree, from: adding)
    }

    /// Adds up the lanes' gradients of a part, where the reduction reads them, in a batch of one turn.
    func addUp(_ range: Range<Int>) { addUp(range, slabs, replica.executor.gradients.pointer) }

    private func addUpLanes(
        _ slabs: UnsafeMutablePointer<UnsafePointer<Float>?>, _ sums: UnsafeMutablePointer<Double>,
        _ rest: Range<Int>, _ target: UnsafeMutablePointer<Float>
    ) {
        guard lanes > 1 else { return }
        TreeOrder.sum(sums, terms: lanes, count: numbers)
        if rest.count < ThreadTeam.worthSharing {
            addUp(rest, slabs, target)
        } else {
            addedUp = (slabs, rest, target)
            replica.team.run(addUpShare)
        }
    }

    private func addUp(
        _ range: Range<Int>, _ slabs: UnsafeMutablePointer<UnsafePointer<Float>?>,
        _ target: UnsafeMutablePointer<Float>
    ) {
        _ = mio_sum_slabs(range.count, slabs, range.lowerBound, lanes, target + range.lowerBound)
    }
}
