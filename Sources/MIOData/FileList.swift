import MIOBase
import MIOFiles
import MIOSystem

/// The files that globs name: the matches of each glob in byte order, one glob after the other, no file twice. The
/// order is the same on every machine, whatever its locale.
struct FileList {
    let paths: [String]
    /// Files that more than one glob names; each is in `paths` once.
    let namedTwice: [String]

    /// - Parameter key: where the globs are written, for messages: `data.train.files`.
    /// - Throws: `DataError` of kind `missing` for a glob without a match; `FileError` for a folder that cannot
    ///   be read.
    init(globs: [String], folder: String, key: String) throws {
        guard !globs.isEmpty else { throw DataError(.missing, folder, "\(key) names no file") }
        var paths: [String] = []
        var namedTwice: [String] = []
        var seen: Set<String> = []
        for pattern in globs {
            let full = Glob.absolute(pattern, in: folder)
            for path in try Self.matches(of: full, writtenAs: pattern, folder: folder, key: key) {
                if seen.insert(Self.normalized(path)).inserted {
                    paths.append(path)
                } else {
                    namedTwice.append(path)
                }
            }
        }
        self.paths = paths
        self.namedTwice = namedTwice
    }

    /// Without the parts that lead nowhere: `a/./b` and `a//b` are `a/b`.
    private static func normalized(_ path: String) -> String {
        path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    private static func matches(
        of pattern: String, writtenAs written: String, folder: String, key: String
    ) throws -> [String] {
        var result = glob_t()
        defer { globfree(&result) }
        var status = glob(pattern, GLOB_ERR | GLOB_NOSORT, nil, &result)
        // A folder that is not there.
        if status == GLOB_ABORTED, errno == ENOENT { status = GLOB_NOMATCH }
        switch status {
        case 0: break
        case GLOB_NOMATCH:
            // As a shell does, a pattern without a match is taken as it is written.
            let literal = Glob.unescaped(pattern)
            if !Folder.isMissing(literal) { return [literal] }
            let isGlob = written.contains { "*?[".contains($0) }
            let place = written.hasPrefix("/") ? "" : " in \(folder)"
            throw DataError(
                .missing, written,
                (isGlob ? "no file\(place) matches this glob" : "no such file\(place)")
                    + "; correct \(key) or make the shards first")
        case GLOB_NOSPACE: throw FileError(action: "list", path: pattern, reason: "out of memory")
        default: throw FileError(action: "list", path: pattern, reason: String(cString: strerror(errno)))
        }
        var paths: [String] = []
        for index in 0..<Int(result.gl_pathc) {
            if let path = result.gl_pathv[index] { paths.append(String(cString: path)) }
        }
        return paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
