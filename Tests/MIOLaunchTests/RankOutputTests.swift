import MIOLaunch
import Testing

@Suite struct RankOutputTests {
    /// What a rank's log keeper hands to the launcher.
    private func frame(_ rank: Int, _ text: String) -> [UInt8] {
        [1] + Array("\(rank)".utf8) + [2] + Array(text.utf8) + [3]
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private struct Screen {
        var output: RankOutput
        var now = 0.0

        init(ranks: Int = 4, leavesOutBanners: Bool = false) {
            output = RankOutput(ranks: ranks, leavesOutBanners: leavesOutBanners)
        }

        mutating func add(_ bytes: [UInt8]) -> String {
            String(decoding: output.add(bytes[...], now: now), as: UTF8.self)
        }

        mutating func wait(_ seconds: Double) -> String {
            now += seconds
            return String(decoding: output.due(now: now), as: UTF8.self)
        }

        mutating func end() -> String { String(decoding: output.rest(), as: UTF8.self) }
    }

    @Test func framesComeInAnyPieces() {
        let bytes =
            Array("launcher\n".utf8) + frame(0, "a\n") + frame(12, "b") + Array("more".utf8) + frame(3, "c\n")
        for size in 1...bytes.count {
            var frames = RankFrames()
            var found: [(rank: Int?, text: String)] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                for piece in frames.pieces(bytes[start..<min(start + size, bytes.count)]) {
                    if let last = found.last, last.rank == piece.rank {
                        found[found.count - 1].text += text(piece.bytes)
                    } else {
                        found.append((piece.rank, text(piece.bytes)))
                    }
                }
            }
            #expect(found.map(\.rank) == [nil, 0, 12, nil, 3], "pieces of \(size)")
            #expect(found.map(\.text) == ["launcher\n", "a\n", "b", "more", "c\n"])
            #expect(frames.rest().isEmpty)
        }
    }

    @Test func bytesThatAreNoFramePass() {
        var frames = RankFrames()
        let odd: [UInt8] = [1, 2, 65, 1, 57, 66, 3, 1]
        let found = frames.pieces(odd[...]) + frames.rest()
        #expect(found.allSatisfy { $0.rank == nil })
        // But the end of a piece whose begin is not there: a terminal must not get it.
        #expect(found.flatMap(\.bytes) == odd.filter { $0 != 3 })
        // A frame that is cut by another one: nothing is lost.
        let cut = Array(frame(1, "one")[..<5]) + frame(2, "two") + [101, 3]
        #expect(text(frames.pieces(cut[...]).flatMap(\.bytes)).contains("two"))
    }

    @Test func equalLinesOfAllRanksAreOneAtOnce() {
        var screen = Screen()
        for rank in [2, 0, 3] { #expect(screen.add(frame(rank, "no such library\n")) == "") }
        #expect(screen.output.isHolding)
        #expect(screen.add(frame(1, "no such library\n")) == "[ranks 0-3] no such library\n")
        #expect(!screen.output.isHolding)
    }

    @Test func aLineOfSomeRanksComesAfterAMoment() {
        var screen = Screen()
        #expect(screen.add(frame(0, "epoch 1\n")) == "")
        #expect(screen.wait(0.05) == "")
        #expect(screen.add(frame(3, "warning\n") + frame(1, "warning\nlast\n")) == "")
        #expect(screen.wait(0.11) == "epoch 1\n")
        #expect(screen.wait(0.05) == "[ranks 1,3] warning\n[rank 1] last\n")
        // Once more is another line.
        #expect(screen.add(frame(3, "warning\nwarning\n")) == "")
        #expect(screen.wait(0.2) == "[rank 3] warning\n[rank 3] warning\n")
        #expect(RankOutput.holdSeconds < 0.25)
    }

    @Test func progressOnATerminalIsNotHeldBack() {
        var screen = Screen()
        #expect(screen.add(frame(0, "\r10 %")) == "\r10 %")
        #expect(screen.add(frame(0, "\r20 %")) == "\r20 %")
        _ = screen.add(frame(2, "late\n"))
        // It stands on a line of its own, and the progress goes on below.
        #expect(screen.wait(0.2) == "\n[rank 2] late\n")
        #expect(screen.add(frame(0, "\r30 %")) == "\r30 %")
        #expect(screen.add(frame(0, " done\n")) == " done\n")
        // Without a return to the line's beginning its end may come.
        #expect(screen.add(frame(0, "loss")) == "")
        #expect(screen.wait(0.2) == "loss")
        #expect(screen.add(frame(0, " 1\n")) == " 1\n")
    }

    @Test func nothingIsLostAtTheEnd() {
        var screen = Screen()
        #expect(screen.add(frame(1, "bye\n") + frame(2, "half") + frame(0, "whole\nopen")) == "")
        #expect(screen.end() == "[rank 1] bye\nwhole\nopen\n[rank 2] half\n")
        var one = Screen(ranks: 1)
        #expect(one.add(frame(0, "half")) == "half")
        #expect(one.add(frame(0, " a line\n")) == " a line\n")
        #expect(one.end() == "")
    }

    @Test func theLaunchersWordsComeBehindWhatRanksWroteBefore() {
        let dashes = String(repeating: "-", count: 74) + "\n"
        let banner =
            dashes + "prterun noticed that process rank 0 with PID 1 on node vm exited on\nsignal 9.\n"
            + dashes
        var screen = Screen(leavesOutBanners: true)
        #expect(screen.add(frame(1, "last words\n")) == "")
        #expect(screen.add(Array("no slots\n".utf8)) == "[rank 1] last words\nno slots\n")
        #expect(screen.add(Array(banner.utf8)) == "")
        // Also where the end of a rank's last piece was lost.
        #expect(screen.add(frame(1, "bye\n").dropLast() + Array(banner.utf8)) == "")
        #expect(screen.wait(0.2) == "[rank 1] bye\n")
        // A rank's own dashes stay.
        _ = screen.add(frame(0, dashes))
        #expect(screen.end() == dashes)
    }

    /// A rank may print anything, a launcher's words about a lost host too.
    @Test func onlyTheLaunchersOwnWordsCountAsSuch() {
        var output = RankOutput(ranks: 2, leavesOutBanners: true)
        let bytes = frame(1, "ssh: connect to host node2 port 22: \n") + Array("no slots\n".utf8)
        _ = output.add(bytes[...], now: 0)
        #expect(output.launcherWords == "no slots\n")
        _ = output.add(Array(repeating: 0x61, count: 100_000)[...], now: 0)
        #expect(output.launcherWords.count < 1 << 17)
        #expect(output.launcherWords.hasSuffix("aaaa"))
    }

    @Test func linesOfAFullScreenAreNotKept() {
        var screen = Screen()
        var shown = ""
        for number in 0..<20_000 { shown += screen.add(frame(1, "line \(number)\n")) }
        #expect(shown.hasPrefix("[rank 1] line 0\n"))
        shown += screen.end()
        #expect(shown.split(separator: "\n").count == 20_000)
        let long = String(repeating: "x", count: 100_000)
        #expect(screen.add(frame(2, long)).isEmpty)
        #expect(screen.end().filter { $0 == "x" }.count == long.count)
    }
}

@Suite struct FoldedLinesTests {
    @Test func aLineIsThereOnceWithItsRanks() {
        var lines = FoldedLines()
        for (rank, texts) in [["a", "b", "a"], ["b", "c"], ["a", "a", "a"]].enumerated() {
            for text in texts { lines.add(Array(text.utf8), rank: rank) }
        }
        var found: [String] = []
        while let entry = lines.take() {
            found.append("\(String(decoding: entry.line, as: UTF8.self)) \(FoldedLines.text(entry.ranks))")
        }
        #expect(found == ["a ranks 0,2", "b ranks 0-1", "a ranks 0,2", "c rank 1", "a rank 2"])
        #expect(lines.isEmpty)
    }

    @Test func ranksAreNamedByRuns() {
        #expect(FoldedLines.text([2]) == "rank 2")
        #expect(FoldedLines.text([0, 1, 2, 5, 7, 8]) == "ranks 0-2,5,7-8")
    }
}
