import MIOBase
import MIOGraph

/// The lives of a step's tensors, and from them their places in the arena.
struct Memory {
    private let lowering: Lowering
    private let samples: Int
    private let moments: Int
    /// Roots whose gradient lies where their values were.
    private let inPlace: Set<Int>
    private var arena = Arena()
    private enum Content { case value, gradient }
    private struct Key: Hashable {
        let root: Int
        let content: Content
    }
    /// By the tensor whose memory it is.
    private var blocks: [Key: Int] = [:]

    init(_ lowering: Lowering, samples: Int, moments: Int, inPlace: Set<Int>) {
        self.lowering = lowering
        self.samples = samples
        self.moments = moments
        self.inPlace = inPlace
    }

    private func bytes(_ root: Int) -> Int {
        let tensor = lowering.tensors[root]
        return tensor.layout.elements(of: tensor.shape).clampedTimes(tensor.element.byteCount)
            .clampedTimes(samples)
    }

    mutating func useValue(_ tensor: Int, at moment: Int) { use(tensor, .value, at: moment) }
    mutating func useGradient(_ tensor: Int, at moment: Int) { use(tensor, .gradient, at: moment) }

    private mutating func use(_ tensor: Int, _ content: Content, at moment: Int) {
        let key = key(lowering.tensors[tensor].root, content)
        if let block = blocks[key] {
            arena.extend(block, to: moment)
        } else {
            blocks[key] = arena.add(bytes: bytes(key.root), life: moment...moment)
        }
    }

    private func key(_ root: Int, _ content: Content) -> Key {
        Key(root: root, content: inPlace.contains(root) ? .value : content)
    }

    /// Memory for one operation at a time, at any time.
    mutating func addScratch(bytes: Int) -> Int { arena.add(bytes: bytes, life: 0...moments) }

    mutating func addWorkspace(bytes: Int, life: ClosedRange<Int>) -> Int {
        arena.add(bytes: bytes, life: life)
    }

    mutating func place() { arena.place() }

    var bytes: Int { arena.bytes }

    func offset(_ block: Int) -> Int { arena.blocks[block].offset }

    func tensors() -> [Plan.TensorPlan] {
        lowering.tensors.map { tensor in
            Plan.TensorPlan(
                name: tensor.name, shape: tensor.shape, element: tensor.element, layout: tensor.layout,
                elements: tensor.layout.elements(of: tensor.shape),
                offset: blocks[Key(root: tensor.root, content: .value)].map(offset) ?? 0,
                gradientOffset: blocks[key(tensor.root, .gradient)].map(offset), root: tensor.root)
        }
    }
}
