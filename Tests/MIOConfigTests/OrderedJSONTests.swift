import MIOConfig
import Testing

@Suite struct OrderedJSONTests {
    private func read(_ text: String) throws -> ConfigValue { try ConfigValue(orderedJSON: Array(text.utf8)) }

    @Test func keepsOrderAndValues() throws {
        let value = try read(
            #"{"b": [1, -2.5, 1e3, true, null], "a": {"x": "é\né😀"}, "n": NaN, "i": -Infinity}"#)
        guard case .dictionary(let entries) = value else {
            Issue.record("no object")
            return
        }
        #expect(entries.keys == ["b", "a", "n", "i"])
        #expect(entries["b"] == [1, -2.5, 1000.0, true, nil])
        #expect(entries["a"] == .dictionary(["x": "é\né😀"]))
        #expect(entries["i"] == .real(-.infinity))
        if case .real(let number)? = entries["n"] { #expect(number.isNaN) } else { Issue.record("no number") }
        #expect(value.pythonJSON.contains("NaN") && value.pythonJSON.contains("-Infinity"))
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\" 1}", "{\"a\": 1, \"a\": 2}", "01x", "+1", "\"\\x\"", "\"\\ud800\"", "tru",
        "[1] 2",
        "\"unfinished", "{1: 2}", "nul", "-", "01", "-01", "1.", ".5", "1e", "[1 2]",
    ]) func refuses(text: String) { #expect(throws: ConfigError.self) { try read(text) } }

    /// What a terminal would obey is escaped as JSON does it, beyond 16 bits too.
    @Test func controlsAreEscapedAsJSON() throws {
        let value = ConfigValue.dictionary(["a\u{200B}": "\u{FEFF}\u{E0001}\u{85}é😀"])
        #expect(value.json() == #"{"a\u200b": "\ufeff\udb40\udc01\u0085é😀"}"#)
        #expect(try read(value.json()) == value)
    }

    @Test func namesWhatItMet() {
        let error = #expect(throws: ConfigError.self) { try read(#"{"a": 1, "b" 2}"#) }
        #expect(error?.message == "not valid JSON: expected ':', received '2' at byte 13 of the text")
        let twice = #expect(throws: ConfigError.self) { try read(#"{"a": 1, "a": 2}"#) }
        #expect(twice?.message == #"not valid JSON: expected each key once, received "a" twice"#)
    }

    @Test func boundsDepth() throws {
        _ = try read(String(repeating: "[", count: 200) + String(repeating: "]", count: 200))
        #expect(throws: ConfigError.self) {
            try read(String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000))
        }
    }
}
