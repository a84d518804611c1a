import MIOBase
import MIORunIndex
import Testing

@Suite struct MetricLineTests {
    private func line(_ text: String) -> MetricLine? {
        // As in a file: a newline follows.
        Array((text + "\n").utf8).withUnsafeBytes {
            MetricLine(UnsafeRawBufferPointer(rebasing: $0.dropLast()))
        }
    }

    @Test func readsWhatMioWrites() throws {
        let read = try #require(
            line(#"{"event": "step", "step": 10, "epoch": 2, "loss": 0.25, "learning_rate": 1e-3, "b": -4}"#))
        #expect(read.event == "step")
        #expect(read.step == 10)
        #expect(read.epoch == 2)
        #expect(read.values.map(\.name) == ["loss", "learning_rate", "b"])
        #expect(read.values.map(\.value) == [0.25, 0.001, -4])
    }

    @Test func readsNumbersThatAreNotFinite() throws {
        let read = try #require(
            line(#"{"event":"step","step":1,"epoch":0,"a":"NaN","b":"Infinity","c":"-Infinity","d":"text"}"#))
        #expect(read.values.map(\.name) == ["a", "b", "c"])
        #expect(read.values[0].value.isNaN)
        #expect(read.values[1...].map(\.value) == [.infinity, -.infinity])
    }

    @Test func readsEscapesAndNestedValues() throws {
        let read = try #require(
            line(#"{"event": "epoch", "step": 3, "h\u00f6he": 1, "list": [1, {"a": 2}], "loss": 2.5}"#))
        #expect(read.event == "epoch")
        #expect(read.values.map(\.name) == ["höhe", "loss"])
    }

    @Test(
        arguments: [
            "", "{", "nonsense", #"{"event": "step"}"#, #"{"step": 3}"#, #"{"event": "step", "step": 1.5}"#,
            #"{"event": "step", "step": 1, "loss": nan}"#, #"{"event": "step", "step": 1, "loss": 0x10}"#,
            #"{"event": "step", "step": 1} {"event": "step", "step": 2}"#, "\0\0\0\0", "[1, 2]",
            #"{"event": "step", "step": 1, "loss": 0.2"#,
        ]) func refusesDamage(_ text: String)
    {
        #expect(line(text) == nil)
    }
}
