import MIOBase
import MIOFiles
import MIORunFolder
import MIORunIndex
import MIOSystem

/// What a client asks to be run: a job file below one of the daemon's folders, and no command.
struct SubmissionRequest: Hashable, Sendable {
    let id: String
    /// Absolute.
    let job: String
    let ranks: Int
    let settings: [String]
    let partition: String?
    let timeLimit: String?

    static let mostSettings = 100
    static let longestSetting = 4_000

    /// - Throws: `APIError` that names the key.
    init(_ body: JSONBody, _ limits: SubmissionLimits) throws {
        try body.verify(keys: ["id", "job", "ranks", "settings", "partition", "time_limit"])
        id = try body.text("id")
        guard Submission.isIdentifier(id) else {
            throw APIError(
                .badRequest,
                "id: expected 1 to 100 letters, digits, -, _ and ., not beginning with - or ., found \(quoted: id)"
            )
        }
        job = try body.text("job")
        ranks = try body.integer("ranks", 1...100_000)
        if let cores = limits.cores, ranks > cores {
            throw APIError(
                .unprocessableContent,
                "ranks: \(ranks) ranks need as many cores; the daemon has \(cores) (--cores). Ask for fewer")
        }
        partition = try Self.partition(body, limits)
        timeLimit = try Self.timeLimit(body, limits)
        settings = try body.texts("settings")
        guard settings.count <= Self.mostSettings else {
            throw APIError(
                .badRequest, "settings: expected at most \(Self.mostSettings), found \(settings.count)")
        }
        for setting in settings { try Self.verify(setting) }
    }

    /// One of those that whoever started the daemon allows.
    private static func partition(_ body: JSONBody, _ limits: SubmissionLimits) throws -> String? {
        guard let partition = try body.optionalText("partition") else { return nil }
        guard let allowed = limits.partitions else { throw noScheduler("partition") }
        guard allowed.contains(partition) else {
            throw APIError(
                .unprocessableContent,
                allowed.isEmpty
                    ? "partition: the daemon was started without --partition: leave it out"
                    : "partition: \(quoted: partition) is none of \(listed(allowed))")
        }
        return partition
    }

    private static func timeLimit(_ body: JSONBody, _ limits: SubmissionLimits) throws -> String? {
        guard let time = try body.optionalText("time_limit") else { return nil }
        guard limits.partitions != nil else { throw noScheduler("time_limit") }
        guard SlurmSettings.isTimeLimit(time) else {
            throw APIError(
                .badRequest,
                "time_limit: expected minutes, M:S, H:M:S, D-H, D-H:M or D-H:M:S, as sbatch takes it; found \(quoted: time)"
            )
        }
        return time
    }

    private static func noScheduler(_ key: String) -> APIError {
        APIError(
            .unprocessableContent,
            "\(key): the daemon has no scheduler, runs start on its own machine: leave it out")
    }

    /// Whether a submission was made of the same request.
    func isOf(_ submission: Submission) -> Bool {
        submission.job == job && submission.ranks == ranks && submission.settings == settings
            && submission.partition == partition && submission.timeLimit == timeLimit
    }

    private static func verify(_ setting: String) throws {
        func refuse(_ what: String) -> APIError {
            APIError(.badRequest, "settings: \(quoted: setting): \(what)")
        }
        guard setting.utf8.count <= longestSetting, !setting.unicodeScalars.contains(where: \.isControl)
        else {
            throw refuse("expected one line of at most \(longestSetting) bytes")
        }
        guard let equals = setting.firstIndex(of: "="), equals > setting.startIndex else {
            throw refuse("expected KEY=VALUE, as --set takes it")
        }
        let key = setting[..<equals]
        // It becomes an argument of its own, so only a beginning with a dash could mean something else.
        guard key.utf8.first != UInt8(ascii: "-"),
            key.utf8.allSatisfy({ byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || [0x2D, 0x2E, 0x2F, 0x5B, 0x5D, 0x5F].contains(byte)
            })
        else { throw refuse("a key has letters, digits, and - _ . / [ ]") }
        guard key != "run_directory" else {
            throw refuse("the daemon chooses the run's folder: runs/ID beside the job")
        }
        // A client may send no command, and no request to somebody else: neither by a detour.
        guard key.prefix(while: { $0 != "." && $0 != "[" }) != "notifications" else {
            throw refuse("whom a run tells what happens to it is written in its job file")
        }
    }

    /// Looks whether the job is there, below a folder of the daemon and behind no link.
    /// - Returns: the folder that the run will have.
    /// - Throws: `APIError`
    func runFolder(_ index: RunIndex) throws -> String {
        func refuse(_ what: String) -> APIError {
            APIError(.unprocessableContent, "job: \(job.shown(most: 300)): \(what)")
        }
        guard job.hasPrefix("/"), let place = index.place(of: job), !place.relative.isEmpty else {
            throw refuse("expected an absolute path below \(listed(index.roots, longest: 200))")
        }
        let parts = place.relative.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ ConfinedFolder.isComponent($0) }) else {
            throw refuse("expected a path without //, . and ..")
        }
        let root = try ConfinedFolder(place.root)
        do {
            let opened = try root.open(place.relative)
            close(opened.descriptor)
        } catch {
            throw refuse(error.reason)
        }
        let above = parts.dropLast().joined(separator: "/")
        let relative = above.isEmpty ? "runs" : above + "/runs"
        for path in [relative, relative + "/" + id] {
            if let kind = root.status(path)?.kind, kind != .folder {
                throw refuse(
                    "\(path.shown(most: 300)) is in the way of the run's folder: a file, or a link, which is not followed"
                )
            }
        }
        return Folder.join(place.root, relative + "/" + id)
    }
}
