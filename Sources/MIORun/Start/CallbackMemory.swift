import Foundation
import MIOBase
import MIOCallbacks
import MIOConfig
import MIOJob
import MIORecords

/// What the callbacks of a run remember between epochs, the same on all ranks: a part of every checkpoint.
package struct CallbackMemory: Hashable {
    /// One callback's state, beside what the job said of it when it was made.
    struct Entry: Hashable {
        let config: ConfigValue
        var state = CallbackState()
    }

    /// In the order of the job's callbacks.
    var entries: [Entry] = []
    /// The optimizer's learning rate as the job says it, and what a callback has set instead.
    private var base: ConfigValue = .null
    var learningRate: Double?
    /// Whether a callback has ended the training.
    var hasEnded = false

    var isEmpty: Bool { entries.isEmpty }

    /// Without callbacks.
    init() {}

    /// Of a training that begins.
    init(_ job: Job) {
        entries = job.callbacks.map { Entry(config: $0.config) }
        base = job.optimizer.options.learningRate.config
    }

    /// Goes on with a job's callbacks: those that are as they were keep their state, others begin anew.
    /// - Returns: a warning if some begin anew.
    mutating func continueWith(_ job: Job) -> String? {
        var next = CallbackMemory(job)
        guard self != next else { return nil }
        var begun: [String] = []
        for (index, callback) in job.callbacks.enumerated() {
            if index < entries.count, entries[index].config == next.entries[index].config {
                next.entries[index].state = entries[index].state
            } else {
                begun.append("callbacks[\(index)] (\(type(of: callback).className))")
            }
        }
        if entries.count == next.entries.count, begun.isEmpty { next.hasEnded = hasEnded }
        // A learning rate that was changed in the job counts, and so does a callback that was taken out.
        if next.base == base, job.callbacks.contains(where: \.setsLearningRate) {
            next.learningRate = learningRate
        }
        self = next
        return begun.isEmpty
            ? nil
            : "was written with other callbacks: \(listed(begun, most: 4)) "
                + (begun.count == 1 ? "begins" : "begin") + " anew"
    }

    // MARK: In checkpoints, and between ranks

    var config: ConfigDictionary {
        var config: ConfigDictionary = [
            "states": .list(
                entries.map { .dictionary(["config": $0.config, "state": .dictionary($0.state.config)]) }),
            "base_learning_rate": base, "ended": .boolean(hasEnded),
        ]
        if let learningRate { config["learning_rate"] = .real(learningRate) }
        return config
    }

    /// - Throws: `ConfigError` for what this version did not write.
    init(reading reader: inout ConfigReader) throws(ConfigError) {
        guard case .list(let states) = try reader.required("states") else {
            throw reader.error("states", "expected a list")
        }
        for (index, value) in states.enumerated() {
            var entry = try ConfigReader(
                value, at: reader.path.appending("states").appending(index: index))
            let config = try entry.required("config")
            var state = try entry.dictionary("state")
            entries.append(Entry(config: config, state: try CallbackState(reading: &state)))
            try entry.finish()
        }
        base = reader.value("base_learning_rate") ?? .null
        hasEnded = try reader.boolean("ended", default: false)
        learningRate = try reader.optionalReal("learning_rate")
        try reader.finish()
    }

    /// As it travels from rank 0 to the others: exact.
    var text: [UInt8] {
        isEmpty ? [] : Array(ExactValue.encode(.dictionary(config)).json().utf8)
    }

    /// - Throws: `ConfigError` for a text that is not of `text`.
    init(text: [UInt8], _ job: Job) throws(ConfigError) {
        guard !text.isEmpty else {
            self.init(job)
            return
        }
        let value = try ExactValue.decode(
            try ConfigValue(json: Data(text)), at: ConfigPath("callbacks"))
        var reader = try ConfigReader(value, at: ConfigPath("callbacks"))
        try self.init(reading: &reader)
    }
}
