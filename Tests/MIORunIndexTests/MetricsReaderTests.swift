import Foundation
import MIOFiles
import MIORunIndex
import TestFolders
import Testing

@Suite struct MetricsReaderTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func write(_ text: String) throws { _ = try folder.write(Array(text.utf8), to: "metrics.jsonl") }

    private func append(_ text: String) throws {
        let file = try FileHandle(forWritingTo: URL(filePath: folder.path("metrics.jsonl")))
        try file.seekToEnd()
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }

    private func line(_ step: Int) -> String {
        #"{"event": "step", "step": \#(step), "epoch": 0, "loss": 1}"#
    }

    private func read(_ position: inout MetricsReader.Position) throws -> (MetricsReader.Finding, [Int]) {
        var steps: [Int] = []
        let finding = try MetricsReader.read(in: ConfinedFolder(folder.path), from: &position) {
            steps.append($0.step)
        }
        return (finding, steps)
    }

    @Test func readsFurther() throws {
        var position = MetricsReader.Position()
        #expect(try read(&position) == (.nothing, []))
        try write(line(1) + "\n" + line(2) + "\n")
        #expect(try read(&position) == (.lines, [1, 2]))
        #expect(try read(&position) == (.nothing, []))
        try append(line(3) + "\n")
        #expect(try read(&position) == (.lines, [3]))
        #expect(position.lines == 3)
        #expect(position.damaged == 0)
    }

    @Test func waitsForTheEndOfALine() throws {
        var position = MetricsReader.Position()
        let last = line(2)
        try write(line(1) + "\n" + last.prefix(20))
        #expect(try read(&position) == (.lines, [1]))
        #expect(try read(&position) == (.nothing, []))
        try append(String(last.dropFirst(20)))
        #expect(try read(&position) == (.nothing, []))
        try append("\n")
        #expect(try read(&position) == (.lines, [2]))
    }

    @Test func countsDamagedLines() throws {
        var position = MetricsReader.Position()
        try write(line(1) + "\n" + line(2).prefix(30) + "\n\0\0\0\n" + line(3) + "\n")
        #expect(try read(&position) == (.lines, [1, 3]))
        #expect(position.damaged == 2)
    }

    @Test func noticesAnotherFile() throws {
        var position = MetricsReader.Position()
        try write((1...5).map { line($0) + "\n" }.joined())
        #expect(try read(&position).1 == [1, 2, 3, 4, 5])
        // A run that continues from step 3 replaces it.
        try FileManager.default.removeItem(atPath: folder.path("metrics.jsonl"))
        try write((1...3).map { line($0) + "\n" }.joined())
        #expect(try read(&position) == (.replaced, []))
        #expect(try read(&position).1 == [1, 2, 3])
        // As long as before, with other lines.
        try FileManager.default.removeItem(atPath: folder.path("metrics.jsonl"))
        try write((6...8).map { line($0) + "\n" }.joined())
        #expect(try read(&position) == (.replaced, []))
        #expect(try read(&position).1 == [6, 7, 8])
        try FileManager.default.removeItem(atPath: folder.path("metrics.jsonl"))
        #expect(try read(&position) == (.replaced, []))
    }

    @Test func goesOnInACopyWithTheSameLines() throws {
        var position = MetricsReader.Position()
        let lines = (1...5).map { line($0) + "\n" }.joined()
        try write(lines)
        _ = try read(&position)
        try FileManager.default.removeItem(atPath: folder.path("metrics.jsonl"))
        try write(lines + line(6) + "\n")
        #expect(try read(&position) == (.lines, [6]))
    }

    @Test func refusesALink() throws {
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("metrics.jsonl"), withDestinationPath: "/etc/passwd")
        var position = MetricsReader.Position()
        #expect(try read(&position) == (.nothing, []))
    }

    /// A file of one endless line must not fill the memory.
    @Test func skipsALineWithoutEnd() throws {
        var position = MetricsReader.Position()
        try write(String(repeating: "x", count: MetricsReader.piece + 10) + "\n" + line(7) + "\n")
        #expect(try read(&position) == (.lines, []))
        #expect(try read(&position) == (.lines, [7]))
        #expect(position.damaged == 2)
    }
}
