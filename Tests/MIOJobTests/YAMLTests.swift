import MIOBase
import MIOConfig
import MIOJob
import Testing

@Suite struct YAMLTests {
    @Test(arguments: [
        ("null", ConfigValue.null), ("~", .null), ("", .null), ("true", .boolean(true)),
        ("False", .boolean(false)), ("yes", .string("yes")), ("on", .string("on")), ("12", .integer(12)),
        ("-3", .integer(-3)), ("+4", .integer(4)), ("007", .integer(7)), ("0x1F", .integer(31)),
        ("0o17", .integer(15)), ("1.5", .real(1.5)), ("1e-3", .real(0.001)), ("1E5", .real(100_000)),
        (".5", .real(0.5)), ("2.", .real(2)), (".inf", .real(.infinity)), ("-.INF", .real(-.infinity)),
        ("1_000", .string("1_000")), ("1.2.3", .string("1.2.3")), ("12:30", .string("12:30")),
        ("0x", .string("0x")), ("e5", .string("e5")),
        ("inf", .string("inf")), ("nan", .string("nan")), ("0x1p3", .string("0x1p3")),
        (".", .string(".")), ("1e", .string("1e")), ("0o8", .string("0o8")), ("-1.5E+2", .real(-150)),
        ("\"1\"", .string("1")), ("'true'", .string("true")),
        ("!!str 5", .string("5")), ("\"a\\nb\"", .string("a\nb")), ("größer", .string("größer")),
        ("[1, a]", .list([.integer(1), .string("a")])), ("{}", .dictionary([:])),
    ]) func values(text: String, value: ConfigValue) throws {
        #expect(try ConfigValue(yaml: text) == value)
    }

    @Test func notANumber() throws {
        guard case .real(let value) = try ConfigValue(yaml: ".nan") else {
            Issue.record("no number")
            return
        }
        #expect(value.isNaN)
    }

    @Test func keysKeepTheirOrder() throws {
        guard case .dictionary(let values) = try ConfigValue(yaml: "z: 1\na: 2\n5: 3\n\"m\": 4\n") else {
            Issue.record("no mapping")
            return
        }
        #expect(values.keys == ["z", "a", "5", "m"])
    }

    @Test func anchorsAndMergeKeys() throws {
        let value = try ConfigValue(
            yaml: """
                base: &base {units: 3, activation: relu}
                more: &more {units: 9, rate: 0.5}
                a: *base
                b: {<<: *base, units: 4}
                c: {<<: [*base, *more]}
                """)
        let expected = try ConfigValue(
            yaml: """
                base: {units: 3, activation: relu}
                more: {units: 9, rate: 0.5}
                a: {units: 3, activation: relu}
                b: {units: 4, activation: relu}
                c: {units: 3, activation: relu, rate: 0.5}
                """)
        #expect(value == expected)
    }

    @Test func writtenValuesReadBack() throws {
        let strings = [
            "", "a", "true", "yes", "null", "~", "1", "1e3", ".5", "a: b", "- a", "#", "x #y", "*a", "&a",
            "!a",
            "%", "@", "`", "{", "[", "a, b", "\"", "'", " a ", "a\nb", "a\tb", "\\", "größer", "2024-01-01",
            "<<",
            "=", "0o7", "data/train-*.npz", "*.npz", "\u{1F600}", "\u{7}",
        ]
        let value = ConfigValue.dictionary([
            "strings": .list(strings.map(ConfigValue.string)),
            "keys": .dictionary(["1": 1, "true": 2, "a b": 3, "": 4, "<<": .dictionary(["c": 1])]),
            "reals": .list([0.1, 1e-7, 1e300, -0.0, 3.0, .real(.infinity), .real(-.infinity)]),
            "integers": [0, -1, .integer(.max), .integer(.min)],
            "nested": .list([.list([.dictionary(["a": .list([])])]), .dictionary([:]), .null, true]),
        ])
        // A key that would merge is quoted, and so stays a key.
        #expect(try ConfigValue(yaml: value.yaml) == value)
    }

    private func message(_ text: String) -> String? {
        #expect(throws: JobError.self) { try ConfigValue(yaml: text, file: "job.yaml") }?.description
    }

    @Test func syntaxErrorsNameTheLine() {
        #expect(message("a: 1\nb: [1, 2\nc: 3\n")?.hasPrefix("job.yaml:3: not valid YAML: ") == true)
        #expect(message("a: 1\n b: 2\n")?.hasPrefix("job.yaml:2: not valid YAML: ") == true)
        #expect(message("a: \"b\n")?.contains("not valid YAML: ") == true)
        #expect(
            message("a:\n\tb: 1\n")?.hasSuffix("; indent with spaces, not with tabs") == true)
        #expect(message("a: 1\n---\nb: 2\n")?.contains("found another document") == true)
        #expect(
            message("a: *nobody\n")?.hasPrefix("job.yaml:1: not valid YAML: found undefined alias") == true)
        #expect(message("a: 1\nb: \u{1}\n")?.contains("not valid YAML: control characters") == true)
    }

    @Test func duplicateKeys() {
        #expect(
            message("a: 1\nb:\n  c: 1\n  c: 2\n")?.hasSuffix(
                "the key \"c\" is written twice in one mapping; keep one") == true)
    }

    @Test func whatAJobFileDoesNotHave() {
        #expect(message("a: !!python/object 1\n")?.contains("means nothing in a job file; remove it") == true)
        #expect(message("? [a]\n: 1\n") == "job.yaml:1: a key must be a name, not a list or a mapping")
        #expect(
            message("a: 99999999999999999999\n")
                == "job.yaml:1: a: the integer 99999999999999999999 does not fit 64 bits with a sign; a "
                + "seed that needs all 64 is written in quotes")
        #expect(
            message("a: {<<: 3}\n") == "job.yaml:1: a.<<: expected a mapping, or a list of them, to merge")
    }

    @Test(arguments: ["[", "- ", "{a: ", "? "]) func depthIsBounded(piece: String) {
        #expect(message(String(repeating: piece, count: 100_000))?.isEmpty == false)
    }

    /// A few hundred bytes that stand for ten billion values.
    @Test func aliasesOfAliasesAreBounded() {
        var text = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n"
        for level in 1..<10 {
            let aliases = [String](repeating: "*a\(level - 1)", count: 10).joined(separator: ",")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(message(text)?.contains("more values than a job file may hold") == true)
    }

    /// The parser compares keys, and would expand them for that.
    @Test(arguments: [
        "? *a9\n: 1\n", "b: {*a9 : 1}\n", "b:\n  - ? [*a9]\n    : 1\n", "b: {[*a9]: 1}\n", "{? *a9}: 2\n",
    ])
    func aliasesOfAliasesInKeysAreRefused(key: String) {
        var text = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n"
        for level in 1..<10 {
            let aliases = [String](repeating: "*a\(level - 1)", count: 10).joined(separator: ",")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        let told = message(text + key)
        #expect(
            told?.contains("a key must be a name, not a list, a mapping or an alias") == true, "\(told ?? "")"
        )
        #expect(told?.hasPrefix("job.yaml:1") == true, "\(told ?? "")")
    }

    /// The search for keys that are aliases takes time in proportion to the text.
    @Test(arguments: [
        String(repeating: "*", count: 1_000_000), String(repeating: "é*", count: 500_000),
        String(repeating: "*", count: 500_000) + String(repeating: " ", count: 500_000),
    ]) func starsAreSearchedAtOnce(stars: String) {
        let time = ContinuousClock().measure {
            #expect(message("a: \"\(stars)\"\nb: [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n")?.isEmpty == false)
        }
        #expect(time < .seconds(20))
    }

    @Test func manyAliasesAsValuesAreRead() throws {
        let uses = (0..<30).map { "u\($0): *a" }.joined(separator: "\n")
        let value = try ConfigValue(
            yaml: "a: &a [1, {b: \"x?\"}]\nglob: \"data/*b-*.npz\"\n\(uses)\n", file: "job.yaml")
        guard case .dictionary(let values) = value else { return #expect(Bool(false)) }
        #expect(values["u29"] == values["a"])
    }
}
