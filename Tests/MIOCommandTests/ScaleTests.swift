import Foundation
import ProcessSupport
import SmallJobs
import Testing

/// `mio scale` as people run it.
@Suite(.serialized) struct ScaleTests {
    private func mio(_ arguments: String..., in small: SmallJob) throws -> SpawnedProcess.Outcome {
        try SpawnedProcess(["env", "-C", small.folder.path, BuiltProgram.path("mio"), "scale"] + arguments)
            .wait(atMost: 120)
    }

    @Test func measuresThenPredictsFromTheFile() throws {
        let small = try SmallJob()
        let measured = try mio("--measure", "node.json", "--ranks-per-node", "2", in: small)
        #expect(measured.status == 0, "\(measured.errors)")
        let lines = measured.output.split(separator: "\n")
        #expect(lines.count == 1 + 13 + 1, "\(measured.output)")
        #expect(lines.last?.hasPrefix("Up to ") == true)

        let predicted = try mio(
            "--constants", "node.json", "--most", "8", "--scaling", "weak", "--json", in: small)
        #expect(predicted.status == 0, "\(predicted.errors)")
        let object = try JSONSerialization.jsonObject(with: Data(predicted.output.utf8)) as? [String: Any]
        let rows = try #require(object?["rows"] as? [[String: Any]])
        #expect(rows.map { $0["ranks"] as? Int } == [1, 2, 4, 8])
        #expect(rows.map { $0["global_batch"] as? Int } == [16, 32, 64, 128])
        for row in rows { #expect(try #require(row["step_seconds"] as? Double) > 0) }
        // 6 · 8 + 8, 8 · 3 + 3, 8 · 2 + 2
        let constants = object?["constants"] as? [String: [String: Any]]
        #expect(constants?["step"]?["parameters"] as? Int == 101)
        #expect(constants?["step"]?["optimizer_slots"] as? Int == 2)
    }

    @Test func saysWhatIsWrong() throws {
        let small = try SmallJob()
        let unit = try mio("--bandwidth", "10", in: small)
        #expect(unit.status == 64)
        #expect(unit.errors.contains("--bandwidth 10: expected a number with a unit"))
        _ = try small.folder.write(Array(#"{"machine": {}, "step": {}}"#.utf8), to: "bad.json")
        let bad = try mio("--constants", "bad.json", in: small)
        #expect(bad.status == 65)
        #expect(bad.errors.contains("bad.json"))
        let missing = try mio("--constants", "none.json", in: small)
        #expect(missing.status == 66)
    }
}
