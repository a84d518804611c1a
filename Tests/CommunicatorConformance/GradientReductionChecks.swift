import MIOBase
import MIOComm

/// Gradients of three weights in two buckets, the second of more than one block.
private struct Sample {
    static let weights = [0..<7, 16..<40, 48..<5000]
    static let elements = 5000
    let communicator: any Communicator
    let memory: GradientReduction.Memory
    let reduction: GradientReduction

    init(
        _ communicator: any Communicator, _ between: SumBetweenGroups,
        leaves: GradientReduction.Sums = .slices
    ) throws {
        self.communicator = communicator
        let group = communicator.group
        let partition = GradientPartition(
            weights: Self.weights, buckets: [2, 1], ranks: group.size)
        var layout = SharedLayout()
        let places = GradientReduction.Memory.Places(
            in: &layout, group: group, partition: partition, elements: Self.elements, numbers: 3)
        memory = GradientReduction.Memory(
            try communicator.shareMemory(byteCount: layout.byteCount), at: places)
        reduction = GradientReduction(
            communicator: communicator, partition: partition, memory: memory, between: between,
            leaves: leaves)
    }

    /// Runs a step on gradients that `value` gives for a rank and an element.
    /// - Returns: the rank's slices of the sums: (element, sum).
    func step(_ value: (Int, Int) -> Float) throws -> [(Int, Float)] {
        let own = memory.gradients[communicator.group.rank]
        reduction.begin()
        for bucket in 0..<2 {
            for range in bucket == 0 ? Self.weights.prefix(2) : Self.weights.suffix(1) {
                for i in range { own.pointer[i] = value(communicator.rank, i) }
            }
            try reduction.bucketReady(bucket)
            try reduction.progress()
        }
        var numbers = [Double(communicator.rank + 1), 1]
        try reduction.sum(&numbers, count: 2)
        let size = Double(communicator.size)
        precondition(numbers == [size * (size + 1) / 2, size], "the step's numbers: \(numbers)")
        try reduction.finish()
        let sums = reduction.partition.runs(ofRank: communicator.group.rank)
            .flatMap { run in run.range.map { ($0, own.pointer[$0]) } }
        try reduction.publish()
        return sums
    }
}

let gradientReductionChecks = [
    ConformanceCheck(name: "each rank gets its slices of the gradients' sums") { communicator, expect in
        for between in SumBetweenGroups.allCases where between != .bfloat16 {
            let sample = try Sample(communicator, between)
            let ranks = Float(communicator.size * (communicator.size + 1) / 2)
            for step in 0..<5 {
                let sums = try sample.step { Float(($0 + 1) * ($1 % 100 - step)) }
                for (element, sum) in sums {
                    let inWeight = Sample.weights.contains { $0.contains(element) }
                    expect.equal(
                        sum, inWeight ? ranks * Float(element % 100 - step) : 0,
                        "\(between), step \(step), element \(element)")
                }
                // Together the ranks of a group have every element once.
                let own = sums.map { UInt16($0.0) }.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
                let all = try communicator.allgather(own)
                let first = communicator.group.index * communicator.group.size
                let elements = all[first..<first + communicator.group.size].flatMap { bytes in
                    stride(from: 0, to: bytes.count, by: 2).map { Int(bytes[$0]) | Int(bytes[$0 + 1]) << 8 }
                }
                expect.equal(elements.sorted(), Array(0..<Sample.elements), "the slices' elements")
            }
        }
    },
    ConformanceCheck(name: "an allreduce leaves all sums on all ranks") { communicator, expect in
        guard communicator.group.count == 1 else { return }
        let sample = try Sample(communicator, .any, leaves: .everywhere)
        let ranks = Float(communicator.size * (communicator.size + 1) / 2)
        for step in 0..<3 {
            _ = try sample.step { Float(($0 + 1) * ($1 % 100 - step)) }
            let own = sample.memory.gradients[communicator.group.rank]
            for range in Sample.weights {
                expect.equal(
                    range.map { own.pointer[$0] }, range.map { ranks * Float($0 % 100 - step) },
                    "step \(step), \(range)")
            }
            try communicator.barrier()
        }
    },
    ConformanceCheck(name: "squares are those of the sums, on all ranks") { communicator, expect in
        let sample = try Sample(communicator, .any)
        _ = try sample.step { Float(($0 + 1) * ($1 % 5)) }
        let ranks = Double(communicator.size * (communicator.size + 1) / 2)
        for (block, square) in zip(sample.reduction.partition.blocks, sample.memory.squares.buffer) {
            let inside = block.range.clamped(to: Sample.weights[block.weight])
            let expected = inside.reduce(0.0) { $0 + (ranks * Double($1 % 5)) * (ranks * Double($1 % 5)) }
            expect.equal(square, expected, "block \(block.range)")
        }
        try communicator.barrier()
        withExtendedLifetime(sample.memory) {}
    },
    ConformanceCheck(name: "a tree's bits do not depend on who holds the terms") { communicator, expect in
        guard communicator.size & (communicator.size - 1) == 0 else { return }
        let sample = try Sample(communicator, .tree)
        func value(_ rank: Int, _ element: Int) -> Float {
            var random = PhiloxSequence(seed: UInt64(element), stream: UInt64(rank))
            return random.nextUniform(-1, 1)
        }
        for (element, sum) in try sample.step(value) {
            var terms = (0..<communicator.size).map { value($0, element) }
            guard Sample.weights.contains(where: { $0.contains(element) }) else { continue }
            terms.withUnsafeMutableBufferPointer {
                TreeOrder.sum($0.baseAddress!, terms: communicator.size, count: 1)
            }
            expect.equal(sum, terms[0], "element \(element)")
        }
    },
    ConformanceCheck(name: "what a reduction counts") { communicator, expect in
        let sample = try Sample(communicator, .bfloat16)
        let before = communicator.statistics
        let slices = try sample.step { _, _ in 1 }.count
        let after = communicator.statistics
        let isAlone = communicator.size == 1
        expect.equal(after.collectives - before.collectives, isAlone ? 1 : 3, "collectives")
        expect.equal(
            after.bytesReduced - before.bytesReduced, 16 + (isAlone ? 0 : Sample.elements * 4), "bytes")
        expect.equal(
            after.bytesBetweenGroups - before.bytesBetweenGroups,
            communicator.group.count == 1 ? 0 : slices * 2, "bytes between groups")
    },
    ConformanceCheck(name: "a reduction of nothing") { communicator, expect in
        let group = communicator.group
        let partition = GradientPartition(weights: [], buckets: [], ranks: group.size)
        var layout = SharedLayout()
        let places = GradientReduction.Memory.Places(
            in: &layout, group: group, partition: partition, elements: 0, numbers: 0)
        let memory = GradientReduction.Memory(
            try communicator.shareMemory(byteCount: layout.byteCount), at: places)
        let reduction = GradientReduction(
            communicator: communicator, partition: partition, memory: memory)
        reduction.begin()
        try reduction.finish()
        try reduction.publish()
        expect.equal(partition.runs(ofRank: group.rank), [], "runs")
    },
]
