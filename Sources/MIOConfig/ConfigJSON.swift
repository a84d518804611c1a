import Foundation

extension ConfigValue {
    /// JSON text, keys in their order, numbers in the shortest form that reads back as the same value.
    ///
    /// Infinities and NaN are strings, as in `jsonText(_:)`.
    /// - Parameter indentation: spaces a level; `nil` writes everything on one line.
    public func json(indentation: Int? = nil) -> String {
        var text = ""
        write(to: &text, indentation: indentation, depth: 0)
        return text
    }

    /// A number in the shortest form that reads back as the same value.
    ///
    /// JSON has no infinity and no NaN: they are the strings `"Infinity"`, `"-Infinity"` and `"NaN"`, which JavaScript's
    /// `Number`, Python's `float` and pandas read as such.
    public static func jsonText(_ value: Double) -> String {
        value.isFinite
            ? value.description : value.isNaN ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\""
    }

    private func write(to text: inout String, indentation: Int?, depth: Int) {
        switch self {
        case .null: text += "null"
        case .boolean(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .real(let value): text += Self.jsonText(value)
        case .string(let value): text += Self.quoted(value)
        case .list(let values):
            Self.writeGroup("[", "]", values, to: &text, indentation: indentation, depth: depth) {
                $1.write(to: &$0, indentation: indentation, depth: depth + 1)
            }
        case .dictionary(let values):
            Self.writeGroup("{", "}", values.entries, to: &text, indentation: indentation, depth: depth) {
                $0 += Self.quoted($1.key) + ": "
                $1.value.write(to: &$0, indentation: indentation, depth: depth + 1)
            }
        }
    }

    private static func writeGroup<Item>(
        _ open: String, _ close: String, _ items: [Item], to text: inout String, indentation: Int?,
        depth: Int,
        each: (inout String, Item) -> Void
    ) {
        text += open
        for (index, item) in items.enumerated() {
            if index > 0 { text += indentation == nil ? ", " : "," }
            if let indentation { text += "\n" + String(repeating: " ", count: indentation * (depth + 1)) }
            each(&text, item)
        }
        if let indentation, !items.isEmpty {
            text += "\n" + String(repeating: " ", count: indentation * depth)
        }
        text += close
    }

    private static func quoted(_ string: String) -> String {
        var text = "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            // What a terminal would obey too, where JSON is printed.
            case _ where scalar.isControl: text += scalar.jsonEscape
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }

    /// Reads JSON text. The order of an object's keys is not kept: they come back sorted.
    /// - Throws: `ConfigError` at the root if the text is not JSON.
    public init(json data: Data) throws(ConfigError) {
        do {
            self = try JSONDecoder().decode(DecodedValue.self, from: data).value
        } catch {
            // The decoder's own words are for programmers.
            throw ConfigError(path: ConfigPath(), message: "not valid JSON")
        }
    }
}

private struct DecodedValue: Decodable {
    let value: ConfigValue

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            value = .null
        } else if let boolean = try? container.decode(Bool.self) {
            value = .boolean(boolean)
        } else if let integer = try? container.decode(Int.self) {
            value = .integer(integer)
        } else if let real = try? container.decode(Double.self) {
            value = .real(real)
        } else if let string = try? container.decode(String.self) {
            value = .string(string)
        } else if let list = try? container.decode([DecodedValue].self) {
            value = .list(list.map(\.value))
        } else {
            var dictionary = ConfigDictionary()
            for (key, entry) in try container.decode([String: DecodedValue].self).sorted(by: {
                $0.key < $1.key
            }) {
                dictionary[key] = entry.value
            }
            value = .dictionary(dictionary)
        }
    }
}
