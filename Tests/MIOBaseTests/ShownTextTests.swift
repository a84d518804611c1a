import MIOBase
import Testing

@Suite struct ShownTextTests {
    @Test(arguments: [
        ("plain name", "plain name"), ("größer 大", "größer 大"), ("\u{1B}[31mred", "\\u{1B}[31mred"),
        ("a\0b", "a\\0b"), ("a\nb\r\tc", "a\\nb\\r\\tc"), ("\u{7F}\u{9B}31m", "\\u{7F}\\u{9B}31m"),
        ("abc\u{202E}fdp.exe", "abc\\u{202E}fdp.exe"),
        ("zero\u{200B}width\u{FEFF}", "zero\\u{200B}width\\u{FEFF}"),
        ("\u{2066}isolated\u{2069}", "\\u{2066}isolated\\u{2069}"), ("line\u{2028}", "line\\u{2028}"),
        ("", ""),
    ]) func whatATerminalWouldObeyIsEscaped(text: String, shown: String) {
        #expect(text.shown() == shown)
        #expect("\(quoted: text)" == "\"\(shown)\"")
    }

    @Test func longTextIsCutInTheMiddle() {
        #expect(String(repeating: "x", count: 100).shown() == String(repeating: "x", count: 100))
        let shown = (String(repeating: "a", count: 1500) + String(repeating: "z", count: 1500)).shown(
            most: 20)
        #expect(shown == String(repeating: "a", count: 15) + "…zzzzz (3000 characters)")
        // One character with ten thousand accents is long too.
        let accents = "e" + String(repeating: "\u{301}", count: 10_000)
        #expect(accents.shown().unicodeScalars.count < 150)
    }

    @Test func messagesKeepTheirLinesAndNothingElse() {
        let text =
            "mio: first\nsecond \u{1B}]0;title\u{7}" + " and \(String(repeating: "y", count: 5000)) end"
        let shown = text.shownMessage()
        #expect(shown.hasPrefix("mio: first\nsecond \\u{1B}]0;title\\u{7} and yyy"))
        #expect(shown.hasSuffix(" (5000 characters) end"))
        #expect(shown.utf8.count < 600)
        #expect("a\nb".shownMessage(keepsNewlines: false) == "a\\nb")
        let words = String(repeating: "word ", count: 100_000).shownMessage()
        #expect(words.unicodeScalars.count < 8100)
        #expect(words.contains("… (500000 characters) …"))
    }

    @Test func listsOfNamesAreCut() {
        #expect(listed(["a", "b"]) == "a, b")
        let names = (0..<1000).map { "layer\($0)" }
        #expect(listed(names, most: 3) == "layer0, layer1, layer2, … and 997 more")
        #expect(listed(["a\u{1B}[0m"]) == "a\\u{1B}[0m")
    }

    @Test func aNearestNameIsFoundOnlyOfShortOnes() {
        #expect(nearestName(to: "untis", in: ["filters", "units"]) == "units")
        let long = String(repeating: "x", count: 100_000)
        #expect(nearestName(to: long, in: [long + "y"]) == nil)
        #expect(nearestName(to: "unit", in: [long, "units"]) == "units")
    }

    @Test func sizesThatOverflowAreClamped() {
        #expect(Int.max.clampedTimes(2) == .max)
        #expect(Int.max.clampedPlus(1) == .max)
        #expect(3.clampedTimes(4) == 12)
        #expect(Shape([1 << 40, 1 << 40]).count == .max)
        #expect(Shape([1 << 40, 1 << 40, 0]).count == 0)
        #expect(
            Shape([Int](repeating: 1, count: 1000)).description
                == "(1, 1, 1, 1, 1, 1, 1, 1, … 1, 1; 1000 dimensions)")
        #expect(
            Shape([Int](repeating: 1, count: 20)).tuple == "("
                + [String](repeating: "1", count: 20).joined(separator: ", ") + ")")
    }
}
