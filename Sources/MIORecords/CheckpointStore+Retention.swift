import MIOBase
import MIOFiles

/// What stays of a run's checkpoints.
extension CheckpointStore {
    /// Settles what killed runs left half written, unless others may be writing there.
    package func recover() throws {
        if isAlone, !Folder.isMissing(folder) { try AtomicFolder.recover(in: folder) }
    }

    /// Removes what no rule keeps: for a run that was killed before it could, and that writes no further one.
    package mutating func retire() throws {
        guard !Folder.isMissing(folder) else { return }
        try recover()
        try retire(sparing: nil)
    }

    mutating func retire(sparing written: String?) throws {
        for name in try superfluous(sparing: written) {
            try AtomicFolder.remove(Folder.join(folder, name))
            forget(name)
        }
    }

    /// The folders of checkpoints that no rule keeps, newest first. Changes nothing.
    package mutating func superfluous() throws -> [String] {
        guard !Folder.isMissing(folder) else { return [] }
        return try superfluous(sparing: nil).map { Folder.join(folder, $0) }
    }

    /// Damaged ones that are newer than the newest valid ones stay for whoever wants to look at them, and so does whatever a
    /// newer mio wrote or cannot be read now.
    private mutating func superfluous(sparing written: String?) throws -> [String] {
        let listed = try names()
        var staying: Set<String> = written.map { [$0] } ?? []
        var valid = 0
        for name in listed where valid < keep.last {
            staying.insert(name)
            if isValid(name) { valid += 1 }
        }
        for name in listed where keep.keepsForEver(Self.step(name: name) ?? 0) { staying.insert(name) }
        for name in best(of: listed) { staying.insert(name) }
        return listed.filter { !staying.contains($0) && !isSpared($0) }
    }

    /// The valid ones whose numbers are best, best first; of equal ones the earlier.
    /// - Parameter names: newest first.
    private mutating func best(of names: [String]) -> [String] {
        guard keep.best > 0 else { return [] }
        var ranked: [(name: String, age: Int, value: Double)] = []
        for (age, name) in names.enumerated() {
            let value = value(of: name)
            if !value.isNaN { ranked.append((name, age, value)) }
        }
        ranked.sort { $0.value == $1.value ? $0.age > $1.age : keep.isBetter($0.value, than: $1.value) }
        var best: [String] = []
        for (name, _, _) in ranked where best.count < keep.best {
            if isValid(name) { best.append(name) }
        }
        return best
    }

    private mutating func value(of name: String) -> Double {
        if let value = values[name] { return value }
        let value = keep.value((try? manifest(of: name))?.logs ?? [:])
        values[name] = value
        return value
    }

    private func manifest(of name: String) throws -> CheckpointManifest {
        let path = Folder.join(folder, name)
        let text = try MappedFile(Folder.join(path, StoredCheckpoint.manifestName))
        return try CheckpointManifest(json: Array(text.bytes), path: path)
    }

    /// The steps of the checkpoints whose numbers are best, best first, by their manifests alone: whether they are whole is
    /// not looked at.
    package func bestSteps() throws -> [(step: Int, value: Double)] {
        guard keep.best > 0, !Folder.isMissing(folder) else { return [] }
        var known = self
        let names = try names()
        known.verified.formUnion(names)
        return known.best(of: names).map { (Self.step(name: $0) ?? 0, known.value(of: $0)) }
    }

    /// A run that continues says why it is not usable; here it only does not count.
    private mutating func isValid(_ name: String) -> Bool {
        if verified.contains(name) { return true }
        guard (try? StoredCheckpoint(path: Folder.join(folder, name))) != nil else { return false }
        verified.insert(name)
        return true
    }

    /// A newer mio reads what it wrote, and another attempt what cannot be read now.
    private func isSpared(_ name: String) -> Bool {
        if verified.contains(name) { return false }
        do {
            _ = try StoredCheckpoint(path: Folder.join(folder, name))
            return false
        } catch let error as CheckpointError {
            return error.kind == .newerFormat
        } catch {
            return true
        }
    }
}
