import MIOConfig
import Testing

@Suite struct NamedConfigTests {
    private func named(_ value: ConfigValue, allowsName: Bool = false) throws -> NamedConfig {
        try NamedConfig(value, at: ConfigPath("loss"), kind: "a loss", allowsName: allowsName)
    }

    @Test func bareName() throws {
        let config = try named("mse")
        #expect(config.identifier == "mse")
        #expect(config.writtenName == "mse")
        try config.reader.finish()
    }

    @Test func classOrName() throws {
        var config = try named(.dictionary(["class": "Huber", "delta": 0.5]))
        #expect(config.identifier == "Huber")
        #expect(config.writtenName == nil)
        #expect(try config.reader.real("delta") == 0.5)
        try config.reader.finish()
        #expect(try named(.dictionary(["name": "mse"])).identifier == "mse")
    }

    @Test func nameBesideClassOnlyWhereItMeansSomething() throws {
        let value = ConfigValue.dictionary(["class": "Huber", "name": "loss"])
        let allowed = try named(value, allowsName: true)
        #expect(allowed.writtenName == "loss")
        try allowed.reader.finish()
        let refused = try named(value)
        #expect(throws: ConfigError.self) { try refused.reader.finish() }
    }

    @Test func saysWhereTheUnknownNameIs() throws {
        #expect(
            try named("msi").unknownIdentifier(valid: ["mse"]).description
                == "loss: expected a loss: unknown name \"msi\"; did you mean \"mse\"? Valid names: mse")
        #expect(
            try named(.dictionary(["class": "x"])).unknownIdentifier(valid: ["mse"]).path.description
                == "loss.class")
        #expect(
            try named(.dictionary(["name": "x"])).unknownIdentifier(valid: ["mse"]).path.description
                == "loss.name")
        let error = #expect(throws: ConfigError.self) { try named(.dictionary(["clas": "Huber"])) }
        #expect(
            error?.description
                == "loss.class: missing; expected the key \"class\" (found \"clas\": did you mean \"class\"?)"
        )
    }
}
