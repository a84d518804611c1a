import MIOConfig

/// How gradients travel between machines.
public enum GradientCompression: String, CaseIterable, Hashable, Sendable {
    /// As they are: 32 bits an element.
    case uncompressed = "none"
    /// As bfloat16: half the bytes; each machine's gradient and their sum are rounded, by at most 2⁻⁹ of themselves.
    case bfloat16
}

/// How ranks talk: `communication` of a job file.
public struct CommunicationOptions: Hashable, Sendable {
    /// Between machines; within one nothing is sent.
    public var compression: GradientCompression

    /// As `communication` of a job, with its defaults.
    public init(compression: GradientCompression = .uncompressed) { self.compression = compression }

    init(reading reader: inout ConfigReader) throws(ConfigError) {
        compression = try reader.choice("compression", default: .uncompressed)
        try reader.finish()
    }

    var config: ConfigDictionary { ["compression": .string(compression.rawValue)] }
}
