import Foundation
import GRDB
import MIOBase
import MIOFiles
import MIOSystem

/// The SQLite file of the index. All in it comes from the runs' folders, so a file that is damaged or of another version
/// is made anew.
///
/// One process has it at a time (`flock` on a file beside it), on a local disk: SQLite loses data on network file systems.
final class IndexFile: Sendable {
    let path: String
    let pool: DatabasePool
    /// Why the file that was there could not be used; `nil` if it was, or there was none.
    let rebuilt: String?
    private let lock: Int32

    /// Changes with the tables: files of another version are made anew.
    static let version = 2

    /// - Parameter discards: begins with an empty index.
    /// - Throws: `FileError` or `RunError`: another process has it, or a network file system.
    init(_ path: String, discards: Bool = false) throws {
        try Folder.create(Folder.parent(of: path))
        if let name = NetworkFileSystem.holding(Folder.parent(of: path)) {
            throw RunError(
                "\(shown: path) is on a network file system (\(name)), where SQLite loses data: name a file on a local disk "
                    + "with --index", exitCode: .usage)
        }
        lock = try Self.lock(path + ".lock")
        self.path = path
        do {
            if discards { try Self.remove(path) }
            var reason: String?
            do {
                pool = try Self.open(path)
            } catch let error as DatabaseError where Self.isDamage(error) {
                reason = error.message ?? "damaged"
                try Self.remove(path)
                pool = try Self.open(path)
            } catch let version as AnotherVersion {
                reason = "of version \(version.found), expected \(Self.version)"
                try Self.remove(path)
                pool = try Self.open(path)
            }
            rebuilt = reason
        } catch {
            _ = close(lock)
            throw error
        }
    }

    /// The same lock with a new file, in place of one that is found to be damaged.
    private init(replacing old: IndexFile) throws {
        path = old.path
        lock = fcntl(old.lock, F_DUPFD_CLOEXEC, 0)
        try Self.remove(path)
        pool = try Self.open(path)
        rebuilt = "damaged"
    }

    /// A new, empty file in the place of this one, which nobody uses any more.
    func replaced() throws -> IndexFile {
        try? pool.close()
        return try IndexFile(replacing: self)
    }

    deinit {
        try? pool.close()
        _ = close(lock)
    }

    /// Whether the file itself is at fault, which only a new one mends.
    static func isDamage(_ error: DatabaseError) -> Bool {
        [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode)
    }

    private struct AnotherVersion: Error { let found: Int }

    private static func open(_ path: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.prepareDatabase { database in
            // A power cut may cost the newest entries, which come back from the folders.
            try database.execute(sql: "PRAGMA synchronous = NORMAL; PRAGMA mmap_size = 1073741824")
        }
        configuration.maximumReaderCount = 4
        let pool = try DatabasePool(path: path, configuration: configuration)
        _ = chmod(path, 0o600)
        try pool.write { database in
            let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
            let hasTables = try database.tableExists("run")
            guard !hasTables || found == version else { throw AnotherVersion(found: found) }
            if !hasTables {
                try database.execute(sql: IndexFile.tables + "PRAGMA user_version = \(version);")
            } else {
                // Damage shows when pages are read.
                _ = try Int.fetchOne(
                    database, sql: "SELECT count(*) FROM run, sqlite_master WHERE run.id < 3")
            }
        }
        return pool
    }

    private static func remove(_ path: String) throws(FileError) {
        for suffix in ["", "-wal", "-shm"] { try Folder.remove(path + suffix) }
    }

    private static func lock(_ path: String) throws -> Int32 {
        let descriptor = Foundation.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileError.system("create", path, code: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            var text = [UInt8](repeating: 0, count: 32)
            let count = pread(descriptor, &text, text.count, 0)
            _ = close(descriptor)
            guard code == EWOULDBLOCK else { throw FileError.system("lock", path, code: code) }
            let holder = String(decoding: text.prefix(max(0, count)), as: UTF8.self)
            throw RunError(
                "another mio-coordinator has \(shown: path)\(holder.isEmpty ? "" : ", process \(shown: holder)"): "
                    + "stop it, or name another file with --index", exitCode: .usage)
        }
        let text = Array(String(getpid()).utf8)
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.count, 0)
        return descriptor
    }

    /// A run, what its job sets, its series, and their points in chunks: summaries apart from the points themselves, so
    /// that a long curve is drawn from the summaries.
    private static let tables = """
        CREATE TABLE run (
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL UNIQUE,
            path TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            state TEXT NOT NULL,
            cause TEXT,
            step INTEGER NOT NULL DEFAULT 0,
            epoch INTEGER NOT NULL DEFAULT 0,
            attempt INTEGER NOT NULL DEFAULT 0,
            ranks INTEGER,
            batch TEXT,
            created INTEGER NOT NULL,
            updated INTEGER NOT NULL,
            stamp TEXT NOT NULL DEFAULT '',
            device INTEGER NOT NULL DEFAULT 0,
            inode INTEGER NOT NULL DEFAULT 0,
            modified INTEGER NOT NULL DEFAULT 0,
            offset INTEGER NOT NULL DEFAULT 0,
            before BLOB NOT NULL DEFAULT x'',
            lines INTEGER NOT NULL DEFAULT 0,
            damaged INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX run_updated ON run (updated);
        CREATE INDEX run_state ON run (state);
        CREATE TABLE setting (
            run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (run, key)
        ) WITHOUT ROWID;
        CREATE TABLE series (
            id INTEGER PRIMARY KEY,
            run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
            event TEXT NOT NULL,
            name TEXT NOT NULL,
            count INTEGER NOT NULL,
            step INTEGER NOT NULL,
            value REAL,
            low REAL,
            high REAL,
            UNIQUE (run, event, name)
        );
        CREATE INDEX series_name ON series (name, event, value);
        CREATE TABLE chunk (
            series INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            count INTEGER NOT NULL,
            finite INTEGER NOT NULL,
            low REAL NOT NULL,
            high REAL NOT NULL,
            sum REAL NOT NULL,
            PRIMARY KEY (series, number)
        ) WITHOUT ROWID;
        CREATE TABLE points (
            id INTEGER PRIMARY KEY,
            series INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            bytes BLOB NOT NULL,
            UNIQUE (series, number)
        );
        CREATE TABLE place (
            path TEXT PRIMARY KEY,
            modified INTEGER NOT NULL
        ) WITHOUT ROWID;

        """
}
