import MIOBase
import MIOData
import MIOGraph
import MIOJob
import MIORun

/// What a check has found: errors, which would end the run, and what a person should look at.
package struct Findings: Sendable {
    package struct Finding: Hashable, Sendable {
        package let message: String
        package let exitCode: ExitCode
    }

    package private(set) var errors: [Finding] = []
    package private(set) var warnings: [String] = []

    mutating func add(_ error: any Error) {
        let known = error as? any MIOError
        addError(
            (known?.description ?? "\(error)").shownMessage(), exitCode: known?.exitCode ?? .internalError)
    }

    /// Adds that memory is short: an error, or a warning where the ranks would run on other machines.
    mutating func addMemory(_ error: any Error, isElsewhere: Bool) {
        guard isElsewhere else { return add(error) }
        warn("\(error)".shownMessage() + "; how the ranks spread over machines is not known here")
    }

    mutating func addError(_ message: String, exitCode: ExitCode = .badInput) {
        let finding = Finding(message: message, exitCode: exitCode)
        if !errors.contains(finding) { errors.append(finding) }
    }

    mutating func warn(_ message: String) {
        if !warnings.contains(message) { warnings.append(message) }
    }

    /// Adds what a training would say of a column's values that are NaN or infinite.
    mutating func addNonFinite(
        _ dataset: Dataset, column: Int, place: String, policy: NonFinitePolicy
    ) {
        let values = dataset.nonFiniteValues(ofColumn: column)
        guard let first = values.first else { return }
        let message = FiniteCheck.message(
            dataset, column: column, count: values.count, first: first, place: place)
        switch policy {
        case .halt: addError(message + FiniteCheck.advice)
        case .skip, .rollback: warn(message + FiniteCheck.outcome(policy, isTrained: place == "data.train"))
        }
    }

    /// Adds what a training would say of the columns that are taken for whole numbers.
    mutating func addUnfitIntegers(_ dataset: Dataset, _ graph: Graph, place: String) {
        var refused: Set<Int> = []
        for demand in IntegerCheck.Demand.all(graph, dataset.columns) where !refused.contains(demand.column) {
            let unfit = dataset.unfitIntegers(
                ofColumn: demand.column, in: demand.range, cuts: demand.cuts, elements: demand.elements)
            guard let first = unfit.first else { continue }
            refused.insert(demand.column)
            addError(
                IntegerCheck.message(demand, dataset, graph, count: unfit.count, first: first, place: place))
        }
    }
}
