import MIOConfig

/// The data of a job: `data`.
public struct JobData: Hashable, Sendable {
    public var train: DataSource
    /// Evaluated after every epoch.
    public var validation: DataSource?
    /// Evaluated when asked for.
    public var test: DataSource?

    public init(train: DataSource, validation: DataSource? = nil, test: DataSource? = nil) {
        self.train = train
        self.validation = validation
        self.test = test
    }

    init(reading reader: inout ConfigReader) throws(ConfigError) {
        var trainReader = try reader.dictionary("train")
        train = try DataSource(reading: &trainReader)
        if var validationReader = try reader.optionalDictionary("validation") {
            validation = try DataSource(reading: &validationReader)
        }
        if var testReader = try reader.optionalDictionary("test") {
            test = try DataSource(reading: &testReader)
        }
        try reader.finish()
    }

    /// The parts that there are, by their keys.
    public var parts: [(key: String, source: DataSource)] {
        [("train", train), ("validation", validation), ("test", test)].compactMap { key, source in
            source.map { (key, $0) }
        }
    }
}
