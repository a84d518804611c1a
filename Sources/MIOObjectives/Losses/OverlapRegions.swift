import MIOBase
import MIOConfig
import MIOGraph

/// Which elements of a prediction an overlap is summed over: all that differ only in the axes that Keras' `axis` names.
///
/// Such elements are a *region*. With axis 0, or with no `axis` at all, a region goes through all samples of the batch; without,
/// every sample has regions of its own.
struct OverlapRegions: Hashable, Sendable {
    /// Whether a region goes through all samples.
    let areOfBatch: Bool
    /// Regions of the batch, or of each sample.
    let count: Int
    /// Whether the elements of a position are in regions of their own, and not all in the same.
    let keepsLast: Bool
    let positionsPerSample: Int
    private let width: Int
    /// Of the axes before the last: how many positions an index of it has, its extent, how far regions of neighbouring indices lie
    /// apart, 0 for an axis that is summed over.
    private let axes: [Axis]
    /// Whether the regions of a position do not depend on its place.
    private let isSame: Bool

    private struct Axis: Hashable, Sendable {
        let positions: Int
        let extent: Int
        let step: Int
    }

    /// - Parameters:
    ///   - axis: of a batch of predictions, 0 being that of the samples; `nil` for all.
    ///   - prediction: one sample's shape, which has these axes.
    init(axis: [Int]?, prediction: Shape) {
        let rank = prediction.rank + 1
        let summed = Set((axis ?? Array(0..<rank)).map { $0 < 0 ? $0 + rank : $0 })
        areOfBatch = summed.contains(0)
        keepsLast = prediction.rank > 0 && !summed.contains(rank - 1)
        width = prediction.last
        positionsPerSample = prediction.count / max(width, 1)
        var (positions, regions) = (1, keepsLast ? width : 1)
        var axes: [Axis] = []
        for place in stride(from: prediction.rank - 2, through: 0, by: -1) {
            let extent = prediction[place]
            let isKept = !summed.contains(place + 1)
            axes.append(Axis(positions: positions, extent: extent, step: isKept ? regions : 0))
            positions *= extent
            regions *= isKept ? extent : 1
        }
        self.axes = axes
        isSame = axes.allSatisfy { $0.step == 0 }
        count = regions
    }

    /// The region of the first element of a position; the others are in the same, or in those after it.
    @inline(__always)
    func first(_ position: Int) -> Int {
        isSame ? 0 : axes.reduce(0) { $0 + position / $1.positions % $1.extent * $1.step }
    }

    /// Calls `body` with each element of each labelled position, its region, its position and the share that it has of its
    /// position's loss: 1 ÷ the position's elements with a label.
    /// - Parameter labelCount: the elements with a label of a position that has some without.
    @inline(__always)
    func forEachElement<T: Scalar>(
        of call: LossCall<T>, _ body: (_ element: Int, _ region: Int, _ position: Int, _ share: T) -> Void
    ) {
        for position in 0..<call.positions where call.labelled[position] != LabelMark.none {
            let start = position * call.width
            let first = first(position)
            let isWhole = call.labelled[position] != LabelMark.part
            var count = call.width
            if !isWhole {
                count = (start..<start + call.width).count { call.isLabelled($0) }
            }
            let share = 1 / T(count)
            for place in 0..<call.width where isWhole || call.isLabelled(start + place) {
                body(start + place, keepsLast ? first + place : first, position, share)
            }
        }
    }
}

extension ConfigReader {
    /// Keras' `axis` of an overlap: an integer, a list of them, or null for all.
    mutating func overlapAxis() throws(ConfigError) -> [Int]? {
        let expected = "an axis, a list of axes, or null for all"
        guard let value = try optionalValue("axis", expected: expected), value != .null else { return nil }
        let entries: [ConfigValue]
        if case .list(let list) = value { entries = list } else { entries = [value] }
        var axes: [Int] = []
        for entry in entries {
            guard case .integer(let axis) = entry else {
                throw error("axis", "expected \(expected), found \(value.summary)")
            }
            axes.append(axis)
        }
        guard !axes.isEmpty else { throw error("axis", "expected \(expected), found an empty list") }
        return axes
    }
}
