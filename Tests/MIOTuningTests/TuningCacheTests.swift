import Foundation
import MIOKernels
import MIOTuning
import TestFolders
import Testing

@Suite struct TuningCacheTests {
    private let tuning = Tuning(picks: ["a, forward": .winograd, "b, backward data": .direct])

    @Test func remembersByMachine() throws {
        let temporary = try TemporaryFolder()
        let folder = temporary.path
        let cache = try #require(TuningCache(environment: ["MIO_CACHE": "\(folder)/deep/cache"]))
        #expect(cache.tuning(of: "x") == Tuning())
        cache.add(tuning, of: "x")
        cache.add(Tuning(picks: ["c, forward": .bfloat16]), of: "x")
        #expect(
            cache.tuning(of: "x")
                == Tuning(
                    picks: ["a, forward": .winograd, "b, backward data": .direct, "c, forward": .bfloat16]))
        #expect(cache.tuning(of: "y") == Tuning())
    }

    @Test func damageIsNoError() throws {
        let temporary = try TemporaryFolder()
        let folder = temporary.path
        let cache = try #require(TuningCache(environment: ["MIO_CACHE": folder]))
        for text in [
            "", "{", "[1, 2]", "{\"format 3, x\": 3}",
            "{\"format 3, x\": {\"a, forward\": \"fancy\", \"b\": 1}}",
        ] {
            try text.write(toFile: cache.path, atomically: true, encoding: .utf8)
            #expect(cache.tuning(of: "x") == Tuning(), "\(text)")
        }
        cache.add(tuning, of: "x")
        #expect(cache.tuning(of: "x") == tuning)
    }

    /// A run that continues does not go by another measurement without a word.
    @Test func aFileThatCannotBeReadIsTold() throws {
        let temporary = try TemporaryFolder()
        let cache = TuningCache(folder: temporary.path)
        #expect(cache.warning == nil)
        cache.add(tuning, of: "x")
        #expect(cache.warning == nil)
        for text in ["", "{", "[1, 2]"] {
            try text.write(toFile: cache.path, atomically: true, encoding: .utf8)
            let warning = try #require(cache.warning, "\(text)")
            #expect(warning.hasPrefix("\(cache.path): cannot be read ("))
        }
        #expect(cache.warning?.contains("expected an object of machines") == true)
        #expect(
            cache.warning?.hasSuffix("measured again, and sums may round differently than before") == true)
    }

    /// What other versions have measured may mean something else here: it is not read, and it stays.
    @Test func otherFormatsAreLeftAlone() throws {
        let temporary = try TemporaryFolder()
        let cache = TuningCache(folder: temporary.path)
        let others = ["x", "format 1, x", "format 2, x", "format 33, x"]
        let text = others.map { "\"\($0)\": {\"a, forward\": \"direct\"}" }.joined(separator: ", ")
        try "{\(text)}".write(toFile: cache.path, atomically: true, encoding: .utf8)
        #expect(cache.tuning(of: "x") == Tuning())
        cache.add(tuning, of: "x")
        #expect(cache.tuning(of: "x") == tuning)
        let written = try String(contentsOfFile: cache.path, encoding: .utf8)
        for other in others { #expect(written.contains("\"\(other)\""), "\(other)") }
    }

    /// A file where the folder should be.
    @Test func unwritableIsNoError() throws {
        let temporary = try TemporaryFolder()
        let folder = temporary.path
        let file = "\(folder)/file"
        try "".write(toFile: file, atomically: true, encoding: .utf8)
        let cache = try #require(TuningCache(environment: ["MIO_CACHE": "\(file)/cache"]))
        cache.add(tuning, of: "x")
        #expect(cache.tuning(of: "x") == Tuning())
    }

    @Test func placesInTheirOrder() {
        let all = ["MIO_CACHE": "/m", "XDG_CACHE_HOME": "/x", "HOME": "/h"]
        #expect(TuningCache(environment: all)?.path == "/m/tuning.json")
        #expect(
            TuningCache(environment: ["XDG_CACHE_HOME": "/x", "HOME": "/h"])?.path == "/x/mio/tuning.json")
        #expect(
            TuningCache(environment: ["MIO_CACHE": "", "HOME": "/h"])?.path == "/h/.cache/mio/tuning.json")
        #expect(TuningCache(environment: [:]) == nil)
    }
}
