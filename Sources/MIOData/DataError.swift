import MIOBase

/// Training data that cannot be used: which file (and array), what was expected, what is there, what to do.
public struct DataError: MIOError, Hashable {
    /// What is wrong, for programs; the message is for people.
    public enum Kind: Hashable, Sendable, CaseIterable {
        /// A file, or a glob's every match, is not there.
        case missing
        /// A file without a byte, or a data set without a row.
        case empty
        /// The file ends before its content does.
        case truncated
        /// The file's first bytes are not those of its format.
        case wrongMagic
        /// A valid file of a kind that is not read: another compression, byte order or element type.
        case unsupported
        /// Two members or columns of one name.
        case duplicate
        /// A header that cannot be parsed, or contradicts the file's real size.
        case badHeader
        /// Content that its checksum does not match, or that does not decompress.
        case corrupt
        /// A field of a CSV file that is not a number, or a line with too few or too many fields.
        case badValue
        /// A CSV file that other keys of the job would read: the message names them.
        case wrongDialect
        /// No array or column of a wanted name.
        case missingArray
        /// Samples of another shape than the model's.
        case wrongShape
        /// Arrays or files that should go together but differ in length.
        case unequalCounts
        /// A file that changed after it was opened.
        case changed
    }

    /// What is wrong, for programs.
    public let kind: Kind
    /// The file, with the array where there is one.
    public let place: String
    /// What is wrong, for people.
    public let message: String

    /// An error of a kind at a place: a file, with the array where there is one.
    public init(_ kind: Kind, _ place: String, _ message: String) {
        self.kind = kind
        self.place = place
        self.message = message
    }

    /// 66 for what is missing, 65 for what is wrong.
    public var exitCode: ExitCode { kind == .missing ? .missingInput : .badInput }

    public var description: String { "\(place.shown(most: 400)): \(message)" }
}
