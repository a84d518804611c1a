import MIOConfig
import MIOOptimizers
import Testing

/// A learning rate schedule with arguments.
struct ScheduleSample: Sendable, CustomTestStringConvertible {
    let className: String
    let arguments: String

    init(_ className: String, _ arguments: String) {
        self.className = className
        self.arguments = arguments
    }

    var testDescription: String { "\(className) \(arguments)" }

    /// A line or more for each class of `ScheduleRegistry`.
    static let samples = [
        ScheduleSample(
            "CosineDecayRestarts", "{initial_learning_rate: 0.5, first_decay_steps: 4, m_mul: 0.5}"),
        ScheduleSample("InverseTimeDecay", "{initial_learning_rate: 0.5, decay_steps: 4, decay_rate: 0.5}"),
        ScheduleSample("PiecewiseConstantDecay", "{boundaries: [2, 5], values: [0.5, 0.25, 0.125]}"),
        ScheduleSample(
            "PolynomialDecay", "{initial_learning_rate: 0.5, decay_steps: 8, power: 2, cycle: true}"),
        ScheduleSample("Constant", "{learning_rate: 0.5, warmup_steps: 3, warmup_start: 0.1}"),
        ScheduleSample("CosineDecay", "{initial_learning_rate: 0.5, decay_steps: 10, alpha: 0.125}"),
        ScheduleSample(
            "CosineDecay",
            "{initial_learning_rate: 0.1, decay_steps: 10, warmup_target: 1, warmup_steps: 3}"),
        ScheduleSample(
            "ExponentialDecay",
            "{initial_learning_rate: 1, decay_steps: 10, decay_rate: 0.5, staircase: true}"),
    ]

    func schedule() throws -> any Schedule {
        try ScheduleRegistry.read(try named(className, arguments), at: example)
    }
}

/// What every schedule of `ScheduleRegistry` promises.
@Suite struct ScheduleTests {
    @Test func everyClassHasASample() {
        expectLines(
            "ScheduleRegistry", registered: ScheduleRegistry.all,
            sampled: ScheduleSample.samples.map(\.className),
            line: { "ScheduleSample(\"\($0)\", \"{initial_learning_rate: 0.1}\")" },
            file: "ScheduleTests.swift")
    }

    /// A function of the step alone, whose values are learning rates, up to any number of steps.
    @Test(arguments: ScheduleSample.samples) func valuesAreLearningRates(_ sample: ScheduleSample) throws {
        let schedule = try sample.schedule()
        let steps = Array(0..<40) + [1_000, 1_000_000, 1 << 40]
        let values = steps.map { schedule.value(at: $0) }
        #expect(values.allSatisfy { $0.isFinite && $0 >= 0 })
        #expect(values.contains { $0 > 0 })
        #expect(steps.reversed().map { schedule.value(at: $0) } == values.reversed())
        let read = try ScheduleRegistry.read(schedule.config, at: example)
        #expect(steps.map { read.value(at: $0) } == values)
    }

    @Test(arguments: ScheduleSample.samples) func configurationsAreReadAsTheyAreWritten(
        _ sample: ScheduleSample
    ) throws {
        try checkConfiguration(try named(sample.className, sample.arguments).asMapping) {
            try ScheduleRegistry.read(.dictionary($0), at: example).config.asMapping
        }
    }

    @Test(arguments: ScheduleSample.samples) func theyAreDocumented(_ sample: ScheduleSample) throws {
        let keys = try Pages.keys { _ = try sample.schedule() }
        try Pages.expectSection(sample.className, keys: keys.filter { $0 != "class" }, in: "schedules.md")
    }
}
