import MIORun
import Testing

@Suite struct TraceRequestTests {
    @Test func rangesOfSteps() {
        #expect(StepRange(argument: "100-120")?.steps == 100...120)
        #expect(StepRange(argument: "7")?.steps == 7...7)
        #expect(StepRange(argument: "7-7")?.description == "7-7")
        for text in ["", "-", "0-3", "5-4", "1-2-3", "-5", "a-b", "3-"] {
            #expect(StepRange(argument: text) == nil, "\(text)")
        }
    }

    @Test func ranksCompareWhatTheyTrace() {
        #expect(TraceRequest(path: "t.json", steps: 2...3).description == "t.json, steps 2-3")
        #expect(TraceRequest(path: "t.json").description == "t.json, the usual steps")
    }
}
