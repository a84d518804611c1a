import MIOBase
import MIOComm
import MIOGraph
import MIOKernels
import MIOPlan

/// Projects the weights that have a constraint onto what it allows, after an update.
///
/// A norm goes over whole axes of a weight, whose slices several ranks update, and whose elements may lie in a layout of
/// blocks. So one rank of the group takes the whole weight in canonical order, projects it with the constraint's plain loop
/// and puts it back: the same bits at any number of ranks. It costs one more meeting of the ranks a step, in models with
/// constraints only.
package final class WeightProjection {
    fileprivate struct Entry {
        let weight: Plan.WeightPlan
        let constraint: any Constraint
    }

    /// Those that this rank projects.
    private let entries: [Entry]
    /// For each entry where the elements lie; `nil` if in canonical order.
    private let places: [[Int]?]
    private let weights: Storage<Float>
    /// A weight in canonical order.
    private let canonical: Storage<Float>
    private let scratch: Storage<Double>

    /// - Parameter executor: one that knows the layouts.
    /// - Returns: `nil` if no trained weight has a constraint: on all ranks alike.
    init?(graph: Graph, executor: Executor, group: RankGroup) {
        let all = executor.plan.weights.compactMap { weight -> Entry? in
            guard weight.trainable,
                let constraint = graph.weights[weight.index].description.rules.constraint
            else { return nil }
            return Entry(weight: weight, constraint: constraint)
        }
        guard !all.isEmpty else { return nil }
        let own = all.enumerated().filter { $0.offset % group.size == group.rank }.map(\.element)
        entries = own
        weights = executor.weights
        let places = own.map { executor.places(of: $0.weight) }
        self.places = places
        canonical = Storage(count: places.map { $0?.count ?? 0 }.max() ?? 0)
        scratch = Storage(count: own.map(\.scratchCount).max() ?? 0)
    }

    /// Bytes that the projections of a plan's weights take.
    /// - Returns: those that the ranks of a group share among them, and the most that one of them has beside.
    package static func memory(graph: Graph, plan: Plan) -> (shared: Int, ofRank: Int) {
        var (shared, buffers, scratch) = (0, 0, 0)
        for weight in plan.weights where weight.trainable {
            guard let constraint = graph.weights[weight.index].description.rules.constraint else {
                continue
            }
            let entry = Entry(weight: weight, constraint: constraint)
            scratch = max(scratch, entry.scratchCount.clampedTimes(MemoryLayout<Double>.stride))
            guard weight.layout != KernelChoice.canonicalWeight else { continue }
            let bytes = Executor.bytesOfPlace
            shared = shared.clampedPlus(weight.shape.count.clampedTimes(bytes.found))
            buffers = max(buffers, weight.elements.clampedTimes(bytes.whileFinding))
        }
        return (shared, buffers.clampedPlus(scratch))
    }

    /// Projects this rank's share. All ranks of the group have made their update, and none reads the weights.
    func run() {
        for index in entries.indices {
            let shape = entries[index].weight.shape
            let stored = weights.pointer + entries[index].weight.offset
            guard let places = places[index] else {
                entries[index].constraint.project(stored, shape: shape, scratch: scratch.pointer)
                continue
            }
            let canonical = canonical.pointer
            for element in 0..<places.count { canonical[element] = stored[places[element]] }
            entries[index].constraint.project(canonical, shape: shape, scratch: scratch.pointer)
            for element in 0..<places.count { stored[places[element]] = canonical[element] }
        }
    }
}

extension WeightProjection.Entry {
    fileprivate var scratchCount: Int {
        do { return try constraint.scratchCount(for: weight.shape) } catch {
            preconditionFailure("\(weight.name) was not checked: \(error)")
        }
    }
}
