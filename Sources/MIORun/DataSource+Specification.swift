import MIOData
import MIOJob

extension DataSource {
    /// The same, as the data module takes it.
    public func specification(folder: String) -> DataSpecification {
        var specification: DataSpecification
        switch files {
        case .shards(let globs): specification = DataSpecification(files: globs, folder: folder)
        case .arrays(let arrays): specification = DataSpecification(arrays: arrays, folder: folder)
        }
        specification.columns = columns.mapValues { column in
            switch column {
            case .name(let name): .name(name)
            case .list(let names): .columns(names)
            }
        }
        return specification
    }
}
