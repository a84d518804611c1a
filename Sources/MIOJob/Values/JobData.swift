import MIOConfig
import MIOObjectives

/// Where samples are, and what their texts mean: `data` of a job file.
public struct JobData: Hashable, Sendable {
    /// What the model learns from.
    public var train: DataSource
    /// Evaluated after every epoch.
    public var validation: DataSource?
    /// Evaluated when asked for.
    public var test: DataSource?
    /// What the texts of CSV columns mean that are inputs, by the column's name: a text becomes its position.
    public var classes: [String: ClassNames]

    /// As `data` of a job.
    public init(
        train: DataSource, validation: DataSource? = nil, test: DataSource? = nil,
        classes: [String: ClassNames] = [:]
    ) {
        self.classes = classes
        self.train = train
        self.validation = validation
        self.test = test
    }

    init(reading reader: inout ConfigReader) throws(ConfigError) {
        var trainReader = try reader.dictionary("train")
        train = try DataSource(reading: &trainReader)
        if var validationReader = try reader.optionalDictionary("validation") {
            validation = try DataSource(reading: &validationReader, inheriting: train)
        }
        if var testReader = try reader.optionalDictionary("test") {
            test = try DataSource(reading: &testReader, inheriting: train)
        }
        classes = [:]
        if var classReader = try reader.optionalDictionary("classes") {
            for column in classReader.keys {
                _ = try classReader.required(column)
                classes[column] = try ClassNames(column, reading: &classReader)
            }
        }
        try reader.finish()
    }

    func config(folder: String) -> ConfigDictionary {
        var entries = ConfigDictionary()
        for (key, source) in parts {
            entries[key] = .dictionary(
                source.config(folder: folder, inheriting: key == "train" ? nil : train))
        }
        if !classes.isEmpty {
            var dictionary = ConfigDictionary()
            for (column, names) in classes.sorted(by: { $0.key < $1.key }) {
                dictionary[column] = names.config
            }
            entries["classes"] = .dictionary(dictionary)
        }
        return entries
    }

    /// The parts that there are, by their keys.
    public var parts: [(key: String, source: DataSource)] {
        [("train", train), ("validation", validation), ("test", test)].compactMap { key, source in
            source.map { (key, $0) }
        }
    }
}
