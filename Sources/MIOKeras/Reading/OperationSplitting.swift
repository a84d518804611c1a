import MIOBase
import MIOConfig
import MIOGraph

/// Parts of a tensor along an axis.
extension OperationReading.Reading {
    func split() throws(CallProblem) -> [SymbolicTensor] {
        guard let shape else { throw CallProblem("the file does not say how many axes its tensor has") }
        var axis = try axis(default: 0)
        if axis < 0 { axis += shape.count }
        guard axis > 0, axis < shape.count else {
            throw CallProblem("splits the axis of the batch; mio keeps samples apart")
        }
        var bounds: [Int] = []
        let sizes = argument("sizes")
        switch sizes ?? argument("indices_or_sections") {
        case .list(let items)? where sizes != nil:
            bounds = try Self.bounds(ofSizes: items, axisSize: shape[axis])
        case .integer(let sections)? where sections > 0:
            guard let size = shape[axis], size % sections == 0, size / sections > 0 else {
                throw CallProblem("splits an axis whose size the file leaves open, or does not divide")
            }
            bounds = Array(stride(from: size / sections, to: size, by: size / sections))
        case .list(let items)?:
            for case .integer(let bound) in items { bounds.append(bound) }
            guard bounds.count == items.count else {
                throw CallProblem(
                    "splits at \(ConfigValue.list(items).json().shown(most: 80)); expected whole numbers")
            }
        default: throw CallProblem("expected indices_or_sections")
        }
        let tensor = try tensor(0)
        let before = [String](repeating: ":", count: axis - 1)
        return (0...bounds.count).map { part in
            let range =
                "\(part == 0 ? "" : "\(bounds[part - 1])"):\(part == bounds.count ? "" : "\(bounds[part])")"
            return GetItem(
                (before + [range]).joined(separator: ", "),
                name: part == 0 ? name : "\(name)_part_\(part)")(tensor)
        }
    }

    /// The places between parts of these sizes.
    /// - Parameter axisSize: what they add up to; `nil` where the file leaves it open. One size may be −1: the rest.
    private static func bounds(ofSizes items: [ConfigValue], axisSize: Int?) throws(CallProblem) -> [Int] {
        let written = ConfigValue.list(items).json().shown(most: 80)
        var sizes: [Int] = []
        for case .integer(let size) in items { sizes.append(size) }
        guard sizes.count == items.count, !sizes.isEmpty, sizes.allSatisfy({ $0 > 0 || $0 == -1 }),
            sizes.count(where: { $0 == -1 }) <= 1
        else {
            throw CallProblem(
                "splits into the sizes \(written); expected numbers above 0, one of them perhaps -1")
        }
        if let rest = sizes.firstIndex(of: -1) {
            let others = sizes.reduce(1) { $0.clampedPlus($1) }
            guard let known = axisSize else {
                throw CallProblem(
                    "splits an axis, whose size the file leaves open, into the sizes \(written)")
            }
            guard known > others else {
                throw CallProblem(
                    "splits an axis of size \(known) into the sizes \(written); nothing is left for -1")
            }
            sizes[rest] = known - others
        }
        let total = sizes.reduce(0) { $0.clampedPlus($1) }
        guard axisSize == nil || axisSize == total else {
            throw CallProblem(
                "splits an axis of size \(axisSize ?? 0) into the sizes \(written), which add up to \(total)"
            )
        }
        var bounds: [Int] = []
        for size in sizes.dropLast() { bounds.append((bounds.last ?? 0) + size) }
        return bounds
    }
}
