import Foundation
import MIOBase
import MIOConfig

/// A value in a file of golden numbers from Keras, with its place in the file for messages.
///
/// Tests/Goldens/README.md defines the files.
package struct Golden: Sendable {
    /// `losses.json: drawn[3].results[1]`
    package let place: String
    package let value: ConfigValue

    /// Something a golden file lacks, or holds in another form.
    package struct FormatError: Error, CustomStringConvertible {
        package let description: String
    }

    /// Reads a file.
    /// - Throws: if it is missing or is not JSON: without its goldens a test fails.
    package init(path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw FormatError(
                description: "\(path): cannot be read; scripts/parity --write makes the goldens")
        }
        try self.init(place: (path as NSString).lastPathComponent + ": ", value: ConfigValue(json: data))
    }

    /// The committed file of this name, without its extension.
    package init(named name: String) throws {
        try self.init(path: Self.folder + "/" + name + ".json")
    }

    private init(place: String, value: ConfigValue) {
        self.place = place
        self.value = value
    }

    /// A file of one of Keras' random comparisons: the committed one, or that in the folder of `MIO_RANDOM_GOLDENS`, which
    /// `scripts/parity --parts` has filled with more.
    package init(random name: String) throws {
        let folder = ProcessInfo.processInfo.environment["MIO_RANDOM_GOLDENS"] ?? Self.folder
        try self.init(path: folder + "/random-" + name + ".json")
    }

    /// Tests/Goldens of the package these sources are in.
    package static var folder: String {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Goldens").standardized.path
    }

    private func wrong(_ expected: String) -> FormatError {
        FormatError(description: "\(place): expected \(expected), found \(value.summary)")
    }

    package subscript(key: String) -> Golden {
        get throws {
            guard let child = try optional(key) else { throw wrong("a mapping with the key \"\(key)\"") }
            return child
        }
    }

    /// `nil` if there is no such key; a null is a value.
    package func optional(_ key: String) throws -> Golden? {
        try dictionary[key].map { Golden(place: "\(place).\(key)", value: $0) }
    }

    package var dictionary: ConfigDictionary {
        get throws {
            guard case .dictionary(let dictionary) = value else { throw wrong("a mapping") }
            return dictionary
        }
    }

    package var list: [Golden] {
        get throws {
            guard case .list(let values) = value else { throw wrong("a list") }
            return values.enumerated().map { Golden(place: "\(place)[\($0)]", value: $1) }
        }
    }

    package var isNull: Bool { value == .null }

    package var string: String {
        get throws {
            guard case .string(let string) = value else { throw wrong("a string") }
            return string
        }
    }

    package var integer: Int {
        get throws {
            guard case .integer(let integer) = value else { throw wrong("an integer") }
            return integer
        }
    }

    package var integers: [Int] {
        get throws { try list.map { try $0.integer } }
    }

    /// A number, or all numbers of a list of lists in row-major order.
    package var numbers: [Double] {
        get throws {
            switch value {
            case .integer(let number): [Double(number)]
            case .real(let number): [number]
            case .list: try list.flatMap { try $0.numbers }
            default: throw wrong("numbers")
            }
        }
    }

    package var number: Double {
        get throws {
            guard let number = try numbers.first, case .list = value else {
                return try numbers[0]
            }
            throw wrong("one number, not a list from \(number) on")
        }
    }

    /// The extents of nested lists; those of a number are none.
    package var extents: [Int] {
        get throws {
            guard case .list(let values) = value else { return [] }
            return [values.count] + (try list.first?.extents ?? [])
        }
    }

    /// `class` and `arguments` as one mapping, the form in which a job file names a loss or an optimizer.
    package var configuration: ConfigValue {
        get throws {
            var entries: ConfigDictionary = ["class": try self["class"].value]
            for (key, value) in try self["arguments"].dictionary.entries { entries[key] = value }
            return .dictionary(entries)
        }
    }
}
