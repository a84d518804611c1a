import MIOFiles
import MIOTensor

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The files that globs name: the matches of each glob in byte order, one glob after the other, no file
/// twice. The order is the same on every machine, whatever its locale.
/// - Throws: `DataError` of kind `missing` for a glob without a match; `FileError` for a folder that cannot
///   be read.
func listFiles(globs: [String], folder: String) throws -> [String] {
    guard !globs.isEmpty else { throw DataError(.missing, folder, "data.files names no file") }
    var files: [String] = []
    var seen: Set<String> = []
    for pattern in globs {
        let full = Glob.absolute(pattern, in: folder)
        for file in try matches(of: full, writtenAs: pattern, folder: folder) where seen.insert(file).inserted
        {
            files.append(file)
        }
    }
    return files
}

private func matches(of pattern: String, writtenAs written: String, folder: String) throws -> [String] {
    var result = glob_t()
    defer { globfree(&result) }
    var status = glob(pattern, GLOB_ERR | GLOB_NOSORT, nil, &result)
    // A folder that is not there.
    if status == GLOB_ABORTED, errno == ENOENT { status = GLOB_NOMATCH }
    switch status {
    case 0: break
    case GLOB_NOMATCH:
        let isGlob = written.contains { "*?[".contains($0) }
        let place = written.hasPrefix("/") ? "" : " in \(folder)"
        throw DataError(
            .missing, written,
            isGlob
                ? "no file\(place) matches this glob; correct data.files or make the shards first"
                : "no such file\(place); correct data.files or make the shards first")
    case GLOB_NOSPACE: throw FileError(action: "list", path: pattern, reason: "out of memory")
    default: throw FileError(action: "list", path: pattern, reason: String(cString: strerror(errno)))
    }
    var paths: [String] = []
    for index in 0..<Int(result.gl_pathc) {
        if let path = result.gl_pathv[index] { paths.append(String(cString: path)) }
    }
    return paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}
