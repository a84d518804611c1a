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
}
