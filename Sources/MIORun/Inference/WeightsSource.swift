import MIOBase
import MIOFiles
import MIOFormats
import MIOGraph
import MIOJob
import MIOKeras
import MIORecords
import MIOTraining

/// Where a trained model's weights come from.
public enum WeightsSource: Hashable, Sendable {
    /// The run directory's finished model, or its newest valid checkpoint where that is of a later step or there is no
    /// finished model.
    case automatic
    /// The run directory's newest valid checkpoint.
    case newestCheckpoint
    /// The files that the job's weights start from, before any training: those of a model's file, for one.
    case start
    /// A `.safetensors` file, a file of Keras, or a checkpoint's folder.
    case path(String)

    /// `auto`, `checkpoint`, `start`, or a path.
    public init(_ text: String) {
        switch text {
        case "auto": self = .automatic
        case "checkpoint": self = .newestCheckpoint
        case "start": self = .start
        default: self = .path(text)
        }
    }

    /// Finds the weights and checks that they are the model's: every weight, in its shape, and no other.
    /// - Returns: the file; nothing but its header has been read of a finished model.
    /// - Throws: `RunError` if there are none (exit code 66) or they are of another model (65);
    ///   `FormatError`, `CheckpointError`, `FileError` for damaged ones.
    package func open(for job: Job) throws -> (file: TrainedWeights, warnings: [String]) {
        var warnings: [String] = []
        let file: SafetensorsFile
        switch self {
        case .start: return try Self.start(job)
        case .path(let path) where KerasFile.isNamed(path) && !Folder.isMissing(path):
            let values = try StartingValues(job, from: [StartingWeights(path)])
            return (TrainedWeights(path, values.weights), values.warnings)
        case .path(let path):
            if Folder.isFolder(path) {
                file = try StoredCheckpoint(path: path).weights
            } else if !Folder.isMissing(path) {
                file = try SafetensorsFile(path)
            } else {
                throw RunError(
                    "\(path): no such file or folder; name a .safetensors file or a checkpoint's folder",
                    exitCode: .missingInput)
            }
        case .automatic, .newestCheckpoint:
            let store = CheckpointStore(
                folder: RunDirectory.checkpointsPath(in: job.runDirectory), keep: job.retention)
            if self == .automatic, let finished = try Self.finishedModel(job, store) {
                file = finished
            } else {
                guard let found = try store.newestValid() else {
                    throw RunError(
                        "\(job.runDirectory) has "
                            + (self == .automatic
                                ? "no model.safetensors and no checkpoint" : "no checkpoint")
                            + "; train first, or name weights", exitCode: .missingInput)
                }
                warnings = found.warnings
                file = found.checkpoint.weights
            }
        }
        try Self.check(file, job.graph)
        return (TrainedWeights(file), warnings)
    }

    private static func start(_ job: Job) throws -> (file: TrainedWeights, warnings: [String]) {
        let values = try StartingValues(job)
        if let drawn = job.graph.weights.first(where: { values.weights[$0.name] == nil }) {
            throw RunError(
                "the job's weights do not start from files: \(quoted: drawn.name) is drawn, for one; train first, or name weights",
                exitCode: .missingInput)
        }
        return (TrainedWeights(job.weights.last?.file ?? "none", values.weights), values.warnings)
    }

    /// `nil` if there is none, or if the run was trained further since.
    private static func finishedModel(_ job: Job, _ store: CheckpointStore) throws -> SafetensorsFile? {
        let path = Folder.join(job.runDirectory, RunDirectory.weightsName)
        guard !Folder.isMissing(path) else { return nil }
        let file = try SafetensorsFile(path)
        guard let step = file.metadata["step"].flatMap({ Int($0) }), let newest = try store.steps().first
        else { return file }
        return newest > step ? nil : file
    }

    private static func check(_ file: SafetensorsFile, _ graph: Graph) throws {
        let weights = graph.weights
        for weight in weights {
            let entry = try file.entry(named: weight.name)
            guard entry.shape == weight.shape else {
                throw FormatError(
                    file: file.path, tensor: weight.name,
                    expected: "shape \(weight.shape), as in the job",
                    received: "\(entry.shape)", advice: "use the job that the weights were trained with")
            }
        }
        let expected = Set(weights.map(\.name))
        guard let other = file.names.first(where: { !expected.contains($0) }) else { return }
        throw FormatError(
            file: file.path, tensor: other, expected: "only weights that the job's model has",
            received: "a tensor more", advice: "use the job that the weights were trained with")
    }
}
