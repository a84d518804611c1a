import MIOBase
import MIOJob
import MIORun
import SmallJobs
import Testing

/// What `--data` means for a job.
@Suite struct DataSelectionTests {
    @Test func textsOfTheCommandLine() {
        #expect(DataSelection([]) == .automatic)
        #expect(DataSelection(["validation"]) == .part("validation"))
        #expect(DataSelection(["./validation"]) == .files("./validation"))
        #expect(DataSelection(["a-*.npz", "b.npz"]) == .files(["a-*.npz", "b.npz"]))
    }

    @Test func partsOfTheJob() throws {
        let small = try SmallJob()
        let job = try small.job()
        #expect(try DataSelection.automatic.select(in: job).name == "test")
        let training = try DataSelection.part("train").select(in: job)
        #expect(training.isTraining && training.place == "data.train")
        // Other data is not the training's, though it is read like it.
        let other = try DataSelection.files("*.npz").select(in: job)
        #expect(!other.isTraining && other.place == "--data *.npz")
    }

    @Test func arraysByName() throws {
        let job = try SmallJob().job()
        let selected = try DataSelection.files(["input=x-*.npy", "input=y.npy", "kind=k.npy"]).select(in: job)
        guard case .arrays(let arrays) = selected.datasetRequest(of: job).files else {
            Issue.record("expected arrays, received \(selected.datasetRequest(of: job).files)")
            return
        }
        #expect(Set(arrays.keys) == ["input", "kind"])
        #expect(arrays["input"]?.count == 2)
        #expect(arrays["input"]?.allSatisfy { $0.hasPrefix("/") } == true)
    }

    @Test(
        arguments: [
            (["train", "a.npz"], "--data train: stands for data.train of the job"),
            (["imput=x.npy"], "the nearest is \"input\""),
            (["zebra=x.npy"], "the model has no input or output \"zebra\""),
            (["input=x.npy", "a.npz"], "give one kind"),
        ] as [([String], String)])
    func refusals(texts: [String], words: String) throws {
        let job = try SmallJob().job()
        let error = #expect(throws: RunError.self) { try DataSelection(texts).select(in: job) }
        #expect(error?.exitCode == .usage)
        #expect(error.map { "\($0)".contains(words) } == true, "\(String(describing: error))")
    }

    @Test func partsThatAJobLacks() throws {
        let small = try SmallJob()
        let text = String(decoding: try small.folder.bytes(of: "job.yaml"), as: UTF8.self)
            .split(separator: "\n").filter { !$0.contains("test.npz") && !$0.contains("validation.npz") }
            .joined(separator: "\n")
        _ = try small.folder.write(Array(text.utf8), to: "job.yaml")
        let job = try small.job()
        let absent = #expect(throws: RunError.self) { try DataSelection.part("test").select(in: job) }
        #expect(absent.map { "\($0)".contains("the job has no data.test; it has data.train") } == true)
        let none = #expect(throws: RunError.self) { try DataSelection.automatic.select(in: job) }
        #expect(none.map { "\($0)".contains("has neither data.test nor data.validation") } == true)
    }
}
