import MIOConfig
import Testing

@Suite struct ConfigRecorderTests {
    private enum Word: String, CaseIterable { case one, two }
    private let path = ConfigPath("here")

    @Test func keysAreNotedWithKindAndDefault() throws {
        let recorder = ConfigRecorder()
        try ConfigRecorder.$current.withValue(recorder) {
            var reader = ConfigReader(["rate": 0.5], at: path)
            _ = try reader.integer("units", atLeast: 1)
            _ = try reader.integer("seed", default: 7)
            _ = try reader.real("rate", in: 0...1)
            _ = try reader.boolean("flag", default: true)
            let word: Word = try reader.choice("word", default: .two)
            #expect(word == .two)
            _ = try reader.optionalString("name")
            reader.describe("raw", "a thing", default: "none")
            _ = reader.value("raw")
            try reader.finish()
        }
        let keys = recorder.keys(at: path)
        #expect(keys.map(\.name) == ["units", "seed", "rate", "flag", "word", "name", "raw"])
        #expect(
            keys.map(\.expected) == [
                "an integer of at least 1", "an integer", "a number from 0.0 to 1.0", "true or false",
                "one of one, two", "a string", "a thing",
            ])
        #expect(keys.map(\.fallback) == [nil, 7, nil, true, "two", nil, "none"])
        #expect(keys.map(\.isRequired) == [true, false, true, false, false, false, false])
    }

    @Test func requiredKeysGetExamplesOfTheirKind() throws {
        let recorder = ConfigRecorder(examples: ["inner": .dictionary(["class": "Dense"])])
        try ConfigRecorder.$current.withValue(recorder) {
            var reader = ConfigReader(ConfigDictionary(), at: path)
            #expect(try reader.integer("at_least", atLeast: 3) == 3)
            #expect(try reader.integer("at_most", atMost: 0) == 0)
            #expect(try reader.real("fraction", in: 0...0.5) == 0)
            #expect(try reader.string("text") == "example")
            #expect(try reader.integerList("shape") == [1])
            #expect(try reader.integers("size", count: 2, atLeast: 1) == [1, 1])
            #expect(try reader.required("inner") == .dictionary(["class": "Dense"]))
            var nested = try reader.dictionary("nested")
            _ = try nested.optionalReal("deep")
        }
        #expect(recorder.keys(at: path).map(\.isRequired) == [Bool](repeating: true, count: 8))
        #expect(recorder.keys(at: path.appending("nested")).map(\.name) == ["deep"])
    }

    @Test func optionalMappingsAreEnteredIfAsked() throws {
        for enters in [false, true] {
            let recorder = ConfigRecorder(entersOptionalMappings: enters)
            try ConfigRecorder.$current.withValue(recorder) {
                var reader = ConfigReader(ConfigDictionary(), at: path)
                var nested = try reader.optionalDictionary("section")
                #expect((nested != nil) == enters)
                _ = try nested?.integer("keep", default: 3)
            }
            #expect(recorder.keys(at: path.appending("section")).map(\.name) == (enters ? ["keep"] : []))
        }
    }

    @Test func withoutARecorderAbsentKeysAreErrors() {
        var reader = ConfigReader(ConfigDictionary(), at: path)
        #expect(throws: ConfigError.self) { _ = try reader.integer("units") }
        #expect(throws: ConfigError.self) { _ = try reader.dictionary("nested") }
    }
}
