import MIOConfig
import Testing

private struct Shape: Sendable, Equatable {
    let name: String
    let aliases: [String]
}

@Suite struct RegistryTests {
    private let registry = Registry(
        "a shape", [Shape(name: "Circle", aliases: ["disc"]), Shape(name: "Square", aliases: [])]
    ) { [$0.name] + $0.aliases }
    private let path = ConfigPath("model.shape")

    private func read(_ value: ConfigValue) throws(ConfigError) -> String {
        try registry.read(value, at: path) { (shape, named) throws(ConfigError) in
            "\(shape.name) \(try named.reader.real("size", default: 1))"
        }
    }

    @Test func everyNameFindsItsType() throws {
        #expect(registry.names == ["Circle", "Square"])
        #expect(try read("Circle") == "Circle 1.0")
        #expect(try read("disc") == "Circle 1.0")
        #expect(try read(.dictionary(["class": "Square", "size": .real(2.5)])) == "Square 2.5")
        #expect(registry.entry(named: "circle") == nil)
    }

    @Test func errorsNameThePlaceAndTheNearestName() {
        let unknown = #expect(throws: ConfigError.self) { try read("Cirle") }
        #expect(unknown?.path == path)
        #expect(
            unknown?.message
                == "expected a shape: unknown name \"Cirle\"; did you mean \"Circle\"? Valid names: Circle, Square"
        )
        let argument = #expect(throws: ConfigError.self) {
            try read(.dictionary(["class": "Circle", "sise": .integer(2)]))
        }
        #expect(argument?.description.contains("model.shape.sise") == true)
        let kind = #expect(throws: ConfigError.self) { try read(.integer(3)) }
        #expect(kind?.message.hasPrefix("expected a shape: a name, or a mapping") == true)
    }

    @Test func aRegisteredTypeIsFoundAndListed() throws {
        try registry.register(Shape(name: "Star", aliases: ["asterisk"]), swiftName: "Star")
        #expect(registry.names == ["Circle", "Square", "Star"])
        #expect(try read("asterisk") == "Star 1.0")
    }

    @Test(arguments: [
        (Shape(name: "Star", aliases: ["disc"]), "is registered already"),
        (Shape(name: "Functional", aliases: []), "is registered already"),
        (Shape(name: "", aliases: []), "a className has letters"),
        (Shape(name: "a b", aliases: []), "a className has letters"),
    ]) private func whatCannotBeRegistered(shape: Shape, reason: String) throws {
        let error = #expect(throws: ConfigError.self) {
            try registry.register(shape, swiftName: "MyShape", reserved: ["Functional"])
        }
        #expect(error?.message.hasPrefix(reason) == true)
        #expect(error?.message.contains("MyShape") == true)
        #expect(registry.names == ["Circle", "Square"])
    }
}
