import MIOBase
import MIOGraph
import MIOPlan

/// The ways to compute an `ImageSegment` where factors may be rounded to bfloat16.
package enum SegmentCandidate: String, CaseIterable, Hashable, Sendable {
    /// Images in blocks of channels wherever `Convolution.outputLayouts` prefers them; each convolution rounds where that
    /// is faster.
    case blocked
    /// Images as Keras has them; each convolution rounds where that is faster.
    case channelsLast = "channels-last"
    /// As a plan of float32 has it: images in blocks, and no convolution rounds. The others have to be faster than this.
    case float32
}

/// A part of a plan whose operations hand each other images: convolutions, and what stands between them (poolings, sums,
/// dropout). It is the unit in which one of `SegmentCandidate` is chosen: within it no image is reordered.
struct ImageSegment {
    static let prefix = "images in segment "

    /// The names of its convolutions, ascending.
    let convolutions: [String]
    /// Equal segments have equal digests.
    let digest: String

    /// What the choice is remembered by, for each of its convolutions.
    var keys: [String] { convolutions.map { "\(Self.prefix)\(digest) of \(Self.escaped($0))" } }

    /// A layer's name as it is in a key: on one line.
    static func escaped(_ layer: String) -> String { layer.escaped() }

    /// The escaped name of the layer that a key is of.
    static func layer(ofKey key: String) -> String? {
        guard key.hasPrefix(prefix) else { return nil }
        // A digest has no space.
        return key.dropFirst(prefix.count).split(
            separator: " ", maxSplits: 2, omittingEmptySubsequences: false
        )
        .dropFirst(2).first.map(String.init)
    }

    /// The segments of a plan that have blocked images which could have their channels last.
    /// - Parameter describe: what a convolution's passes are kept under.
    static func all(in plan: Plan, describe: (Plan.Operation) -> String?) -> [ImageSegment] {
        var group = Array(plan.operations.indices)
        func root(_ index: Int) -> Int {
            var index = index
            while group[index] != index { index = group[index] }
            return index
        }
        func join(_ a: Int, _ b: Int) {
            let (a, b) = (root(a), root(b))
            group[max(a, b)] = min(a, b)
        }
        var maker: [Int: Int] = [:]
        // Calls of one layer share its name, and so the choice.
        var calls: [String: Int] = [:]
        for (index, operation) in plan.operations.enumerated() {
            for input in operation.inputs where plan.tensors[input].shape.rank == 3 {
                if let maker = maker[plan.tensors[input].root] { join(maker, index) }
            }
            maker[plan.tensors[operation.output].root] = index
            if let name = operation.convolution?.name {
                if let call = calls[name] { join(call, index) }
                calls[name] = index
            }
        }
        var members: [Int: [Plan.Operation]] = [:]
        for (index, operation) in plan.operations.enumerated() {
            members[root(index), default: []].append(operation)
        }
        return members.sorted { $0.key < $1.key }.compactMap { _, operations in
            let names = Set(operations.compactMap { $0.convolution?.name })
            let isBlocked = operations.contains {
                guard let layout = $0.convolution?.layout else { return false }
                return layout != .canonical
            }
            guard isBlocked else { return nil }
            let text = operations.map { operation in
                let inputs = operation.inputs.map { "\(plan.tensors[$0].shape) \(plan.tensors[$0].layout)" }
                return "\(operation.name) \(inputs) \(plan.tensors[operation.output].layout) "
                    + "\(operation.hasBackward) \(describe(operation) ?? "")"
            }
            return ImageSegment(
                convolutions: names.sorted(),
                digest: String(MIOBase.digest(text.joined(separator: "\n").utf8), radix: 16))
        }
    }
}

extension Plan.Operation {
    /// Of a convolution by a library: the layer's name, and how its output lies.
    fileprivate var convolution: (name: String, layout: Layout)? {
        guard case .layer(let layer, _, let choice) = work, choice.kernel == .convolution else { return nil }
        return (layer.displayName, choice.outputLayout)
    }
}
