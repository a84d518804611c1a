import MIOBase
import MIORun
import Testing

@Suite struct ResumeModeTests {
    @Test func readsTheContractsWords() {
        #expect(ResumeMode("auto") == .automatic)
        #expect(ResumeMode("never") == .never)
        #expect(
            ResumeMode("runs/a/checkpoints/step-000000200")
                == .checkpoint(path: "runs/a/checkpoints/step-000000200"))
    }

    @Test(arguments: [
        ("atuo", "; did you mean auto?"), ("nevr", "; did you mean never?"), ("nowhere/at/all", "."),
    ]) func whatIsNotThereIsRefused(text: String, near: String) throws {
        let error = #expect(throws: RunError.self) { try ResumeMode(text).verifyPresent() }
        #expect(
            error?.description
                == "--resume \(text): no such folder\(near) Expected auto, never, or the path of a checkpoint"
        )
        #expect(error?.exitCode == .missingInput)
        try ResumeMode("/").verifyPresent()
        try ResumeMode.never.verifyPresent()
    }
}
