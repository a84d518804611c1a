import MIOJob
import Testing

/// `training.non_finite_limit`, `loss_spikes` and `replica_check`.
@Suite struct NumericalHealthKeysTests {
    @Test func valuesAreReadAndWritten() throws {
        let job = try OneDense.job(
            training: "non_finite: rollback, non_finite_limit: 5, loss_spikes: ignore, "
                + "replica_check: {every_steps: 20, repair: copy}")
        #expect(job.training.nonFinite == .rollback)
        #expect(job.training.nonFiniteLimit == 5)
        #expect(job.training.lossSpikes == .ignore)
        #expect(job.training.replicaCheck == ReplicaCheckOptions(everySteps: 20, repair: .copy))
        #expect(try Job(yaml: job.resolvedYAML, folder: "/").training == job.training)
    }

    /// A run that an older mio began has none of the keys in its job.
    @Test func defaultsAreLeftOut() throws {
        let job = try OneDense.job(training: "epochs: 2")
        #expect(job.training.nonFiniteLimit == nil)
        #expect(job.training.lossSpikes == .warn)
        #expect(job.training.replicaCheck == ReplicaCheckOptions(everySteps: 1000, repair: .rollback))
        for key in ["non_finite_limit", "loss_spikes", "replica_check"] {
            #expect(!job.resolvedYAML.contains(key), "\(key)")
        }
    }

    @Test(arguments: [
        ("non_finite: stop", "training.non_finite: unknown name \"stop\""),
        ("non_finite_limit: 0", "training.non_finite_limit: expected an integer of at least 1"),
        ("loss_spikes: tell", "training.loss_spikes: unknown name \"tell\""),
        ("replica_check: 100", "training.replica_check: expected a mapping"),
        (
            "replica_check: {every_steps: -1}",
            "training.replica_check.every_steps: expected an integer of at least 0"
        ),
        (
            "replica_check: {every_step: 3}",
            "training.replica_check.every_step: unknown key; did you mean \"every_steps\"?"
        ),
        ("replica_check: {repair: majority}", "training.replica_check.repair: unknown name \"majority\""),
    ])
    func otherValuesAreRefused(training: String, message: String) {
        let error = #expect(throws: JobError.self) { try OneDense.job(training: training) }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
        #expect(error?.exitCode == .badInput)
    }
}
