import MIOBase
import MIOFiles

extension MappedFile {
    /// Maps a file of training data. The descriptor is closed at once, so any number of shards can be mapped
    /// up to the system's limit of mappings (65530 by default on Linux).
    /// - Throws: `DataError` if the file is missing, empty or not a plain file; `FileError` if it cannot be
    ///   opened or mapped.
    static func shard(_ path: String) throws -> MappedFile {
        let file: MappedFile
        do {
            file = try MappedFile(path)
        } catch {
            switch error.exitCode {
            case .missingInput: throw DataError(.missing, path, "no such file")
            case .badInput:
                throw DataError(.unsupported, path, "\(error.reason); shards must be plain files")
            default: throw error
            }
        }
        guard !file.bytes.isEmpty else { throw DataError(.empty, path, "the file is empty (0 bytes)") }
        return file
    }

    /// Whoever truncates a mapped file kills its readers with SIGBUS; looking now and then turns the usual
    /// case, data written anew while a run goes on, into a message.
    /// - Throws: `DataError` of kind `changed`; `FileError` if the system does not say.
    func checkUnchanged() throws {
        guard try isUnchanged() else {
            throw DataError(
                .changed, path,
                "the file changed, or was removed, after the run opened it; leave shards alone while a run uses them"
            )
        }
    }
}
