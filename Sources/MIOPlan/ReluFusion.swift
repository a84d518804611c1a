import MIOGraph

/// Which operations' backward takes the relu, and the bias' gradient, of the operation before with it.
///
/// Of y = relu(z + bias) and an operation that reads y alone, dz = dy · [y > 0] and dBias = Σ dz need a pass over y
/// and dy, which an operation that is limited by memory has in its registers anyway. It puts dz where y was: nobody
/// reads y afterwards, and dy has no memory of its own.
struct ReluFusion {
    /// For each operation, for each of its inputs: the operation that made it, if the fusion is made.
    private(set) var passes: [[Int?]]
    /// The operations whose relu is passed by another, and the roots of their outputs.
    private(set) var passed: Set<Int> = []
    private(set) var roots: Set<Int> = []

    /// - Parameters:
    ///   - hasBackward: for each operation.
    ///   - flows: for each operation, its inputs' gradients.
    init(_ lowering: Lowering, hasBackward: [Bool], flows: [[Plan.GradientFlow]]) {
        let operations = lowering.operations
        func root(_ tensor: Int) -> Int { lowering.tensors[tensor].root }
        passes = operations.map { $0.inputs.map { _ in nil } }

        var readers: [Int: Int] = [:]
        for operation in operations {
            for input in operation.inputs { readers[root(input), default: 0] += 1 }
        }
        for output in lowering.outputs {
            for tensor in Set([output.tensor, output.predictions]) { readers[root(tensor), default: 0] += 1 }
        }
        for activity in lowering.activities { readers[root(activity.tensor), default: 0] += 1 }
        var maker: [Int: Int] = [:]
        var calls: [Int: Int] = [:]
        for (index, operation) in operations.enumerated() {
            for output in operation.outputs { maker[output] = index }
            for weight in operation.weights { calls[weight, default: 0] += 1 }
        }

        for (index, operation) in operations.enumerated() {
            guard hasBackward[index], let passesRelu = operation.choice?.passesRelu, !passesRelu.isEmpty
            else { continue }
            for (position, input) in operation.inputs.enumerated() where flows[index][position] == .first {
                guard passesRelu[position], readers[root(input)] == 1,
                    let producer = maker[root(input)], operations[producer].choice?.takesPassedRelu == true,
                    operations[producer].weights.allSatisfy({ calls[$0] == 1 })
                else { continue }
                passes[index][position] = producer
                passed.insert(producer)
                roots.insert(root(input))
            }
        }
    }
}
