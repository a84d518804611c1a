import MIOGraph

/// Where the numbers that operations and losses need of the whole batch lie among each other, stage after stage: first those for
/// forward, then those for backward.
struct StagePlacement {
    private(set) var stages: [Plan.Stage] = []
    /// Of each operation.
    private(set) var forward: [Range<Int>]
    private(set) var backward: [Range<Int>]
    /// Of each output.
    private(set) var losses: [Range<Int>]
    private(set) var count = 0

    /// - Parameter losses: for each output, the numbers that its loss needs.
    init(_ lowering: Lowering, hasBackward: [Bool], losses: [Int]) {
        self.losses = losses.map { _ in 0..<0 }
        let operations = lowering.operations
        forward = operations.map { _ in 0..<0 }
        backward = forward
        var start = 0
        repeat {
            let stage = start < operations.count ? operations[start].stage : 0
            let end = operations[start...].firstIndex { $0.stage != stage } ?? operations.count
            let summing = start..<(operations[start..<end].firstIndex { $0.batchSums == nil } ?? end)
            let (forwardStart, backwardStart) = (
                count, count + summing.reduce(0) { $0 + (operations[$1].batchSums?.forward ?? 0) }
            )
            for index in summing {
                forward[index] = place(operations[index].batchSums?.forward ?? 0)
            }
            for index in summing where hasBackward[index] {
                backward[index] = place(operations[index].batchSums?.backward ?? 0)
            }
            stages.append(
                Plan.Stage(
                    operations: start..<end, summing: summing, forwardSums: forwardStart..<backwardStart,
                    backwardSums: backwardStart..<count))
            start = end
        } while start < operations.count
        // Stage 0 is there even if the first operations are those that need sums: of the inputs themselves.
        if let first = operations.first, first.stage > 0 {
            stages.insert(
                Plan.Stage(operations: 0..<0, summing: 0..<0, forwardSums: 0..<0, backwardSums: 0..<0), at: 0)
        }
        // Losses come after all operations: what they need begins a stage of no operation.
        guard losses.contains(where: { $0 > 0 }) else { return }
        let first = count
        for (output, numbers) in losses.enumerated() { self.losses[output] = place(numbers) }
        let end = operations.count
        stages.append(
            Plan.Stage(
                operations: end..<end, summing: end..<end, forwardSums: first..<count,
                backwardSums: count..<count))
    }

    private mutating func place(_ numbers: Int) -> Range<Int> {
        defer { count += numbers }
        return count..<count + numbers
    }
}
