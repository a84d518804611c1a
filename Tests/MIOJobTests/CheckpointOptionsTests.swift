import MIOCallbacks
import MIOGraph
import MIOJob
import MIOObjectives
import Testing

@Suite struct CheckpointOptionsTests {
    private func options(_ section: String) throws -> CheckpointOptions {
        try Garments.job(replacing: "{every_steps: 200, keep: 3}", with: section).checkpoints
    }

    private func expectError(_ section: String, _ message: String) {
        let error = #expect(throws: JobError.self) { try options(section) }
        #expect(error?.description.contains(message) == true, "\(section): \(String(describing: error))")
    }

    @Test(arguments: [
        ("{}", CheckpointOptions()), ("{keep: 5}", CheckpointOptions(keep: 5)),
        ("{keep: {}}", CheckpointOptions()),
        (
            "{keep: {last: 2, best: 4, monitor: val_kind_accuracy, mode: max, every_steps: 5000}}",
            CheckpointOptions(
                keep: CheckpointKeeping(
                    last: 2, best: 4, monitor: "val_kind_accuracy", mode: .max, everySteps: 5000))
        ),
        ("{keep: {best: 2}}", CheckpointOptions(keep: CheckpointKeeping(best: 2))),
        (
            "{keep: {monitor: box_loss}}",
            CheckpointOptions(keep: CheckpointKeeping(best: 1, monitor: "box_loss"))
        ),
        ("{every: auto}", CheckpointOptions(everyEpochs: 0, every: .automatic)),
        ("{every: 10m}", CheckpointOptions(everyEpochs: 0, every: .seconds(600))),
        ("{every: 1h 30m, every_epochs: 2}", CheckpointOptions(everyEpochs: 2, every: .seconds(5400))),
        (
            "{every: auto, keep: {best: 1}}",
            CheckpointOptions(everyEpochs: 1, every: .automatic, keep: CheckpointKeeping(best: 1))
        ),
        ("{every: {steps: 50}}", CheckpointOptions(everySteps: 50)),
        ("{every: {epochs: 3}}", CheckpointOptions(everyEpochs: 3)),
    ])
    func whatIsWrittenIsRead(section: String, expected: CheckpointOptions) throws {
        #expect(try options(section) == expected)
        // The job that a run writes into its folder says the same, the mode as it was found out.
        let job = try Garments.job(replacing: "{every_steps: 200, keep: 3}", with: section)
        let again = try Job(yaml: job.resolvedYAML, folder: "/")
        #expect(again == job)
        #expect(again.checkpoints.every == expected.every)
        #expect(again.checkpoints.everyEpochs == expected.everyEpochs)
        #expect(again.checkpoints.keep.last == expected.keep.last)
        #expect(again.checkpoints.keep.best == expected.keep.best)
        #expect(again.checkpoints.keep.everySteps == expected.keep.everySteps)
    }

    @Test(arguments: [("val_kind_accuracy", Monitor.Mode.max), ("val_loss", .min), ("box_loss", .min)])
    func theModeIsFoundOut(name: String, mode: Monitor.Mode) throws {
        let job = try Garments.job(
            replacing: "{every_steps: 200, keep: 3}", with: "{keep: {best: 1, monitor: \(name)}}")
        let keep = try Job(yaml: job.resolvedYAML, folder: "/").checkpoints.keep
        #expect(keep.watched == Monitor(name, mode: mode))
    }

    @Test(arguments: [
        ("{keep: 0}", "checkpoints.keep: expected an integer of at least 1, found the integer 0"),
        ("{keep: many}", "checkpoints.keep: expected an integer of at least 1 or a mapping such as"),
        (
            "{keep: {last: 0}}",
            "checkpoints.keep.last: expected an integer of at least 1, found the integer 0"
        ),
        (
            "{keep: {best: -1}}",
            "checkpoints.keep.best: expected an integer of at least 0, found the integer -1"
        ),
        ("{every_epoch: 2}", "checkpoints.every_epoch: unknown key; did you mean \"every_epochs\"?"),
        ("{keep: {newest: 2}}", "checkpoints.keep.newest: unknown key"),
        (
            "{keep: {best: 1, monitor: val_kind_acuracy}}",
            "checkpoints.keep.monitor: no epoch logs this number: unknown name \"val_kind_acuracy\"; did you mean "
                + "\"val_kind_accuracy\"?"
        ),
        (
            "{every_epochs: 0, keep: {best: 1}}",
            "checkpoints.keep.best: only a checkpoint at the end of an epoch has the number \"val_loss\", and "
                + "checkpoints.every_epochs: 0 writes none there"
        ),
        (
            "{keep: {best: 1, monitor: learning_rate}}",
            "checkpoints.keep.monitor: mode: auto cannot tell whether \"learning_rate\" is better"
        ),
        (
            "{every: 10m, every_steps: 200}",
            "checkpoints.every: every: 600s and every_steps: 200 both say when checkpoints are written; leave one of "
                + "them out"
        ),
        (
            "{every: {steps: 100}, every_steps: 200}",
            "checkpoints.every: every: {steps: 100} and every_steps: 200 both say when"
        ),
        (
            "{every: {epochs: 2}, every_epochs: 1}",
            "checkpoints.every: every: {epochs: 2} and every_epochs: 1 both say when"
        ),
        ("{every: 600}", "write 600s for seconds or {steps: 600} for steps"),
        ("{every: \"600\"}", "checkpoints.every: expected `auto`, a time such as 10m"),
        ("{every: soon}", "checkpoints.every: expected `auto`, a time such as 10m"),
        ("{every: {}}", "checkpoints.every: expected steps or epochs in the mapping, found none"),
        (
            "{every: {steps: 0}}",
            "checkpoints.every.steps: expected an integer of at least 1, found the integer 0"
        ),
    ])
    func whatIsWrongIsToldAtItsPlace(section: String, message: String) { expectError(section, message) }

    @Test func aNumberOfTheValidationNeedsOne() throws {
        let error = #expect(throws: JobError.self) {
            try Garments.job(
                replacing: "  validation: {files: \"data/validation-*.npz\"}\n", with: "",
                overrides: ["checkpoints.keep={best: 1}"])
        }
        #expect(
            error?.description.contains(
                "\"val_loss\" is a number of the validation, and there is no data.validation; add it, or monitor "
                    + "\"loss\"") == true, "\(String(describing: error))")
    }

    @Test func jobsInSwiftAreCheckedToo() throws {
        let data = JobData(train: DataSource("train-*.npz"))
        let outputs = [OutputSpecification("kind", loss: SparseCategoricalCrossentropy())]
        for (keep, message) in [
            (
                CheckpointKeeping(best: -1),
                "checkpoints.keep.best: expected an integer of at least 0, found -1"
            ),
            (
                CheckpointKeeping(everySteps: -1),
                "checkpoints.keep.every_steps: expected an integer of at least 0"
            ),
            (
                CheckpointKeeping(best: 1, monitor: "lost"),
                "checkpoints.keep.monitor: no epoch logs this number"
            ),
        ] {
            let error = #expect(throws: JobError.self) {
                try Job(
                    name: "a", model: Garments.model(), outputs: outputs, data: data,
                    checkpoints: CheckpointOptions(keep: keep))
            }
            #expect(error?.description.contains(message) == true, "\(String(describing: error))")
        }
    }
}
