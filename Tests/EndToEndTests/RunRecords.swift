import Foundation
import MIOConfig
import MIOFormats
import MIORecords

/// What a run left in its directory.
struct RunRecords {
    let folder: String

    /// A line of `metrics.jsonl`, without what a clock says.
    struct Event: Hashable {
        let event: String
        let step: Int
        let epoch: Int
        let values: [String: Double]
    }

    private static let timings = ["samples_per_second", "step_seconds", "data_wait_seconds"]

    var metricsPath: String { folder + "/metrics.jsonl" }
    var checkpointsPath: String { folder + "/checkpoints" }
    var weightsPath: String { folder + "/model.safetensors" }

    /// The whole lines so far: a run at work may be writing another.
    func events() throws -> [Event] {
        guard let data = FileManager.default.contents(atPath: metricsPath) else { return [] }
        guard let end = data.lastIndex(of: 0x0A) else { return [] }
        return try data[...end].split(separator: 0x0A).map { line in
            var reader = try ConfigReader(ConfigValue(json: Data(line)), at: ConfigPath())
            let event = try reader.string("event")
            let step = try reader.integer("step")
            let epoch = try reader.integer("epoch")
            var values: [String: Double] = [:]
            for name in reader.keys where !["event", "step", "epoch"].contains(name) {
                if !Self.timings.contains(name) {
                    switch reader.value(name) {
                    case .string(let text): values[name] = Double(text)
                    case .integer(let integer): values[name] = Double(integer)
                    default: values[name] = try reader.real(name)
                    }
                }
            }
            return Event(event: event, step: step, epoch: epoch, values: values)
        }
    }

    func steps() throws -> [Event] { try events().filter { $0.event == "step" } }

    /// The finished model.
    func weights() throws -> [String: [Float]] {
        let file = try SafetensorsFile(weightsPath)
        return try Dictionary(
            uniqueKeysWithValues: file.names.map { ($0, try file.tensor(named: $0).values) })
    }

    /// Newest first.
    func checkpointSteps() throws -> [Int] { try CheckpointStore(folder: checkpointsPath, keep: 1).steps() }

    func newestCheckpoint() throws -> StoredCheckpoint? {
        try CheckpointStore(folder: checkpointsPath, keep: 1).newestValid()?.checkpoint
    }

    static func checkpointName(_ step: Int) -> String {
        let digits = String(step)
        return "step-" + String(repeating: "0", count: 9 - digits.count) + digits
    }
}
