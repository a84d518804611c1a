import Foundation
import MIOBase
import MIOConfig
import MIORunIndex

/// The daemon's numbers in the text form of Prometheus: `mio_` before every name, units in the names, counters end in `_total`,
/// labels by run and output, never by step.
package enum PrometheusText {
    /// Runs with numbers of their own: those at work, and those that ended a short while ago.
    private static let mostRuns = 200
    private static let shownSeconds = 900

    private struct Family {
        let name: String
        let kind: String
        let help: String
        var samples: [(labels: [(String, String)], value: Double)] = []
    }

    static func make(_ index: RunIndex, began: Date, viewers: Int) throws -> String {
        var states = Family(name: "mio_runs", kind: "gauge", help: "Runs by state.")
        for (state, count) in try index.counts() {
            states.samples.append(([("state", state)], Double(count)))
        }
        var families = [
            states,
            Family(
                name: "mio_daemon_start_time_seconds", kind: "gauge",
                help: "When the daemon started, since 1970.",
                samples: [([], began.timeIntervalSince1970.rounded())]),
            Family(
                name: "mio_daemon_viewers", kind: "gauge", help: "Browsers that are told of changes.",
                samples: [([], Double(viewers))]),
            Family(
                name: "mio_daemon_metric_lines_total", kind: "counter",
                help: "Lines of metrics.jsonl that were read.",
                samples: [([], Double(index.counted.lines))]),
        ]
        families += try ofRuns(index)
        return families.filter { !$0.samples.isEmpty }.map(text).joined()
    }

    private static func ofRuns(_ index: RunIndex) throws -> [Family] {
        let now = Int(Date().timeIntervalSince1970)
        let runs = try index.recentRuns(since: now - shownSeconds, most: mostRuns)
        let identifiers = runs.map(\.id)
        let series = try index.series(of: identifiers)
        let settings = try index.settings(of: identifiers)
        func family(_ name: String, _ kind: String, _ help: String) -> Family {
            Family(name: name, kind: kind, help: help)
        }
        var steps = family("mio_run_steps_total", "counter", "Optimizer steps done.")
        var epochs = family("mio_run_epoch", "gauge", "The epoch, 0 for the first.")
        var attempts = family("mio_run_attempts_total", "counter", "Attempts begun.")
        var states = family("mio_run_state", "gauge", "1 for the state that the run is in.")
        var updated = family(
            "mio_run_updated_timestamp_seconds", "gauge", "When the run last wrote something, since 1970.")
        var damaged = family(
            "mio_run_damaged_lines_total", "counter", "Lines of metrics.jsonl that are damaged.")
        var losses = family(
            "mio_run_loss", "gauge", "The newest loss; of the whole model where output is empty.")
        var metrics = family("mio_run_metric", "gauge", "The newest value of an output's metric.")
        var speed = family(
            "mio_run_samples_per_second", "gauge", "Samples a second, of the newest logged step.")
        var time = family("mio_run_step_seconds", "gauge", "Seconds a step, of the newest logged step.")
        var rate = family("mio_run_learning_rate", "gauge", "The newest learning rate.")
        for run in runs {
            let own = [("run", run.key), ("job", run.name)]
            steps.samples.append((own, Double(run.step)))
            epochs.samples.append((own, Double(run.epoch)))
            attempts.samples.append((own, Double(run.attempt)))
            states.samples.append((own + [("state", run.state)], 1))
            updated.samples.append((own, Double(run.updated)))
            damaged.samples.append((own, Double(run.damagedLines)))
            let outputs = outputNames(settings[run.id] ?? [:])
            // An epoch's value and a step's have one name: the newer one counts.
            var newest: [String: IndexedSeries] = [:]
            for entry in series[run.id] ?? [] {
                if let other = newest[entry.name.name], other.step > entry.step { continue }
                newest[entry.name.name] = entry
            }
            for (name, entry) in newest.sorted(by: { $0.key < $1.key }) {
                switch name {
                case "samples_per_second": speed.samples.append((own, entry.value))
                case "step_seconds": time.samples.append((own, entry.value))
                case "learning_rate": rate.samples.append((own, entry.value))
                default:
                    let part = LogName(name, outputs: outputs)
                    let labels = own + [("phase", part.phase), ("output", part.output)]
                    if part.metric == "loss" {
                        losses.samples.append((labels, entry.value))
                    } else {
                        metrics.samples.append((labels + [("metric", part.metric)], entry.value))
                    }
                }
            }
        }
        return [steps, epochs, attempts, states, updated, damaged, losses, metrics, speed, time, rate]
    }

    /// Keras' log name in its parts: `val_kind_accuracy`.
    package struct LogName: Hashable {
        package let phase: String
        package let output: String
        package let metric: String

        package init(_ name: String, outputs: [String]) {
            let isValidation = name.hasPrefix("val_")
            let rest = isValidation ? String(name.dropFirst(4)) : name
            phase = isValidation ? "validation" : "training"
            // The longest name that fits: outputs may be `a` and `a_b`.
            output = outputs.filter { rest.hasPrefix($0 + "_") }.max { $0.count < $1.count } ?? ""
            metric = output.isEmpty ? rest : String(rest.dropFirst(output.count + 1))
        }
    }

    /// From keys such as `outputs.kind.loss`.
    static func outputNames(_ settings: [String: String]) -> [String] {
        Array(
            Set(
                settings.keys.compactMap { key in
                    key.hasPrefix("outputs.")
                        ? key.dropFirst(8).split(separator: ".").first.map(String.init) : nil
                })
        ).sorted()
    }

    private static func text(_ family: Family) -> String {
        var text = "# HELP \(family.name) \(family.help)\n# TYPE \(family.name) \(family.kind)\n"
        for (labels, value) in family.samples {
            let shown = labels.map { "\($0.0)=\"\(escaped($0.1))\"" }.joined(separator: ",")
            text += family.name + (shown.isEmpty ? "" : "{\(shown)}") + " " + number(value) + "\n"
        }
        return text
    }

    private static func escaped(_ label: String) -> String {
        label.escaped().replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    }

    private static func number(_ value: Double) -> String {
        value.isNaN
            ? "NaN"
            : value == .infinity
                ? "+Inf"
                : value == -.infinity
                    ? "-Inf"
                    : value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
    }
}
