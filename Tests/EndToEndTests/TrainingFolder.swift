import Foundation
import MIOBase
import MIOData

/// A temporary folder with a job, its data and its runs; removed with this object.
final class TrainingFolder {
    let path: String
    private let isTemporary: Bool

    init() throws {
        isTemporary = true
        path = FileManager.default.temporaryDirectory.path + "/mio-end-to-end-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// A folder in another, which removes it.
    init(_ name: String, in folder: TrainingFolder) throws {
        isTemporary = false
        path = folder.path(name)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        guard isTemporary else { return }
        do { try FileManager.default.removeItem(atPath: path) } catch { print("\(path) stays: \(error)") }
    }

    func path(_ name: String) -> String { path + "/" + name }

    /// Writes a job file and returns its path.
    @discardableResult
    func write(_ job: String, to name: String = "job.yaml") throws -> String {
        try Data(job.utf8).write(to: URL(filePath: path(name)))
        return path(name)
    }

    func read(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: path(name)))) }

    func replace(_ name: String, with bytes: some Sequence<UInt8>) throws {
        try Data(bytes).write(to: URL(filePath: path(name)))
    }

    func records(_ run: String = "run") -> RunRecords { RunRecords(folder: path(run)) }

    /// Every file under a folder, by its path in it: to see that nothing was touched.
    func content(_ name: String) throws -> [String: Data] {
        var content: [String: Data] = [:]
        for file in try FileManager.default.subpathsOfDirectory(atPath: path(name)) {
            var isFolder: ObjCBool = false
            let full = path(name) + "/" + file
            guard FileManager.default.fileExists(atPath: full, isDirectory: &isFolder), !isFolder.boolValue
            else { continue }
            content[file] = try Data(contentsOf: URL(filePath: full))
        }
        return content
    }
}

/// Columns of samples that a model can learn, made by counting: the same everywhere.
struct SampleMaker {
    private var random: PhiloxSequence

    /// - Parameter firstRow: the shard's first row; other shards get other numbers.
    init(firstRow: Int) { random = PhiloxSequence(seed: 5, stream: UInt64(firstRow)) }

    mutating func uniform(_ shape: [Int], _ low: Float = -1, _ high: Float = 1) -> Tensor {
        let shape = Shape(shape)
        return Tensor(
            shape: shape, values: (0..<shape.count).map { _ in random.nextUniform(low, high) })
    }

    mutating func labels(_ rows: Int, classes: Int) -> [Float] {
        (0..<rows).map { _ in Float(random.nextWord() % UInt32(classes)) }
    }
}
