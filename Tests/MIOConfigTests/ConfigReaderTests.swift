import Foundation
import MIOConfig
import Testing

@Suite struct ConfigReaderTests {
    private enum Padding: String, CaseIterable { case valid, same }

    private func reader(_ dictionary: ConfigDictionary) -> ConfigReader {
        ConfigReader(dictionary, at: ConfigPath("model.layers[2]"))
    }

    @Test func readsTypedValues() throws {
        var reader = reader([
            "filters": 32, "kernel_size": 3, "padding": "same", "rate": 0.5, "shape": [2, 3], "seed": nil,
        ])
        #expect(try reader.integer("filters", atLeast: 1) == 32)
        #expect(try reader.integers("kernel_size", count: 2, atLeast: 1) == [3, 3])
        #expect(try reader.choice("padding", default: Padding.valid) == .same)
        #expect(try reader.real("rate") == 0.5)
        #expect(try reader.integerList("shape") == [2, 3])
        #expect(try reader.boolean("use_bias", default: true) == true)
        #expect(try reader.optionalInteger("seed") == nil)
        try reader.finish()
    }

    /// Not what a library prints of its error.
    @Test(arguments: ["{\"a\": x}", "", "[1, 2", "{\"a\": 1} b", "\u{0}"]) func whatIsNotJSONIsToldPlainly(
        text: String
    )
        throws
    {
        let error = try #require(throws: ConfigError.self) { try ConfigValue(json: Data(text.utf8)) }
        #expect(error.message == "not valid JSON")
    }

    /// Null is no value of a key with a default, and where it is refused, of no key at all.
    @Test func nullIsNotTheDefault() {
        func message(_ read: (inout ConfigReader) throws -> Void, refusesNull: Bool = false) -> String? {
            var reader = reader(["key": nil])
            reader.refusesNull = refusesNull
            return #expect(throws: ConfigError.self) { try read(&reader) }?.message
        }
        let advice = ", found null; give it a value, or leave the key out"
        #expect(message { _ = try $0.integer("key", default: 1) } == "expected an integer" + advice)
        #expect(message { _ = try $0.real("key", default: 1) } == "expected a number" + advice)
        #expect(message { _ = try $0.boolean("key", default: false) } == "expected true or false" + advice)
        #expect(
            message { _ = try $0.choice("key", default: Padding.valid) } == "expected one of valid, same"
                + advice)
        #expect(
            message { _ = try $0.integers("key", count: 2, default: [1, 1], atLeast: 1) }
                == "expected an integer of at least 1, or a list of 2 of them" + advice)
        #expect(
            message({ _ = try $0.optionalInteger("key") }, refusesNull: true) == "expected an integer"
                + advice)
        #expect(
            message({ _ = try $0.optionalString("key") }, refusesNull: true) == "expected a string" + advice)
        var empty = reader(["key": ""])
        #expect(
            #expect(throws: ConfigError.self) { try empty.string("key") }?.message
                == "expected a string that is not empty, found \"\"")
    }

    @Test func unknownKeyNamesTheNearest() {
        var reader = reader(["filtres": 32])
        _ = reader.value("filters")
        _ = reader.value("padding")
        let error = #expect(throws: ConfigError.self) { try reader.finish() }
        #expect(
            error?.description
                == "model.layers[2].filtres: unknown key; did you mean \"filters\"? Valid keys here: filters, padding"
        )
    }

    /// A decimal comma: in a flow mapping two entries, elsewhere a string.
    @Test func aDecimalCommaIsNamed() throws {
        var flow = reader(["rate": 0, "001": nil, "other": 1])
        _ = try flow.real("rate")
        _ = flow.value("other")
        let error = #expect(throws: ConfigError.self) { try flow.finish() }
        #expect(error?.description.hasSuffix("write the decimal point, 0.001") == true)
        var exponent = reader(["rate": 1, "5e-3": nil])
        _ = try exponent.real("rate")
        #expect(
            #expect(throws: ConfigError.self) { try exponent.finish() }?.description.hasSuffix("1.5e-3")
                == true)
        var text = reader(["rate": "0,001"])
        let mismatch = #expect(throws: ConfigError.self) { try text.real("rate") }
        #expect(
            mismatch?.message == "expected a number, found \"0,001\"; write the decimal point, 0.001")
        // Keys that are numbers, and lists in words, are none.
        for other: ConfigDictionary in [["rate": 0, "001": 2], ["a": "x", "001": nil]] {
            var reader = reader(other)
            _ = reader.value("rate")
            _ = reader.value("a")
            let error = #expect(throws: ConfigError.self) { try reader.finish() }
            #expect(error?.description.contains("unknown key") == true)
        }
    }

    @Test func whatIsNotFiniteIsAText() {
        let value: ConfigValue = [.real(.nan), .real(.infinity), .real(-.infinity), 0.5]
        #expect(value.json() == #"["NaN", "Infinity", "-Infinity", 0.5]"#)
    }

    @Test func mismatchNamesExpectedAndFound() {
        var reader = reader(["units": "ten", "padding": "sane", "kernel_size": [3, 0]])
        #expect(
            throws: ConfigError(
                path: ConfigPath("model.layers[2].units"), message: "expected an integer, found \"ten\"")
        ) { try reader.integer("units") }
        #expect(
            throws: ConfigError(
                path: ConfigPath("model.layers[2].padding"),
                message: "unknown name \"sane\"; did you mean \"same\"? Valid names: valid, same")
        ) { let _: Padding = try reader.choice("padding") }
        #expect(throws: ConfigError.self) { try reader.integers("kernel_size", count: 2, atLeast: 1) }
    }

    @Test func missingKeyIsNamed() {
        var reader = reader(["unit": 3])
        let error = #expect(throws: ConfigError.self) { try reader.integer("units") }
        #expect(
            error?.description
                == "model.layers[2].units: missing; expected the key \"units\" (found \"unit\": did you mean \"units\"?)"
        )
    }
}

@Suite struct ConfigJSONTests {
    @Test func roundTrip() throws {
        let value = ConfigValue.dictionary([
            "a": [1, 2.5, true, nil, "x\"\n\u{1}é"], "b": .dictionary(["c": 1e-7]), "d": [], "e": 3,
        ])
        #expect(try ConfigValue(json: Data(value.json().utf8)) == value)
        #expect(try ConfigValue(json: Data(value.json(indentation: 2).utf8)) == value)
        #expect(ConfigValue.dictionary(["b": 1, "a": [2]]).json() == #"{"b": 1, "a": [2]}"#)
    }

    @Test func refusesWhatIsNotJSON() {
        #expect(throws: ConfigError.self) { try ConfigValue(json: Data("{".utf8)) }
    }
}
