import MIOBase
import MIOConfig
import MIOFiles
import MIOGraph

/// A file's model, with where its weights are.
package struct KerasModel: Sendable {
    package let file: KerasFile
    package let model: Model
    /// How the model is called: one tensor, a list, a dictionary.
    package let inputs: KerasStructure
    package let outputs: KerasStructure

    /// - Parameters:
    ///   - given: shapes of inputs whose axes the file leaves open.
    ///   - others: asked for the shapes of such inputs that are not among them.
    /// - Throws: `KerasFileError` with everything in it that mio cannot do.
    package init(
        _ file: KerasFile, inputs given: [String: Shape] = [:], others: (String) -> Shape? = { _ in nil }
    ) throws(KerasFileError) {
        var reading = ModelReading(file: file.path, given: given)
        var read = reading.read(file.config)
        if !reading.openInputs.isEmpty {
            var known = given
            for name in reading.openInputs { known[name] = others(name) }
            if known.count > given.count {
                reading = ModelReading(file: file.path, given: known)
                read = reading.read(file.config)
            }
        }
        guard let assembly = read else {
            throw KerasFileError(
                file.path,
                problems: reading.problems.isEmpty ? [.init("", "cannot be read")] : reading.problems)
        }
        let names = Set(assembly.model.graph.inputs.map(\.name))
        if let other = given.keys.sorted().first(where: { !names.contains($0) }) {
            throw KerasFileError(
                file.path, "input \(quoted: other)", ConfigReader.unknown(other, valid: names.sorted()))
        }
        self.file = file
        model = assembly.model
        inputs = assembly.inputs
        outputs = assembly.outputs
    }
}
