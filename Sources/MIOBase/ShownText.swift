/// Text of others (a layer's name, a column, a cell, a path) as messages, logs and terminals show it.
///
/// Whatever a file or a job holds may reach a terminal. Control characters, which could move the cursor, change
/// colours or forge a line, are escaped: `\u{1B}`. So are the characters that reverse the direction of writing. Text
/// that is too long is cut in the middle, and says how long it is.
extension StringProtocol {
    /// The text with what a terminal would obey escaped.
    /// - Parameter keepsNewlines: for messages of several lines.
    package func escaped(keepsNewlines: Bool = false) -> String {
        // Most text is plain: looking at its bytes is enough.
        guard utf8.contains(where: { $0 < 0x20 || $0 >= 0x7F }) else { return String(self) }
        var text = ""
        for scalar in unicodeScalars {
            if scalar == "\n", keepsNewlines {
                text.unicodeScalars.append(scalar)
            } else if scalar.isControl {
                text += scalar.escape
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    /// The text on one line, escaped, and cut in the middle if it is longer than `most` characters: `abc…xyz (3000
    /// characters)`.
    package func shown(most: Int = 100) -> String {
        // Scalars, not characters: one character may have thousands of accents.
        let count = unicodeScalars.count
        guard count > most else { return escaped() }
        let end = most / 4
        let head = String(String.UnicodeScalarView(unicodeScalars.prefix(most - end)))
        let tail = String(String.UnicodeScalarView(unicodeScalars.suffix(end)))
        return "\(head.escaped())…\(tail.escaped()) (\(count) characters)"
    }

    /// A whole message as it may be printed, the last safeguard: escaped, lines kept, words of more than 400
    /// characters and messages of more than 8,000 cut.
    package func shownMessage(keepsNewlines: Bool = true) -> String {
        let (longestWord, longest) = (400, 8_000)
        var text = escaped(keepsNewlines: keepsNewlines)
        if text.utf8.count > longestWord {
            text = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
                line.split(separator: " ", omittingEmptySubsequences: false).map { word in
                    word.utf8.count > longestWord ? word.shown(most: longestWord) : String(word)
                }.joined(separator: " ")
            }.joined(separator: "\n")
        }
        let scalars = text.unicodeScalars
        guard scalars.count > longest else { return text }
        return String(String.UnicodeScalarView(scalars.prefix(longest * 3 / 4)))
            + "\n… (\(scalars.count) characters) …\n"
            + String(String.UnicodeScalarView(scalars.suffix(longest / 4)))
    }
}

/// Names in a message: all of them if they are few, else the first, and how many more there are.
/// - Parameters:
///   - most: names to show.
///   - longest: characters to show of each.
package func listed(_ names: some Collection<String>, most: Int = 24, longest: Int = 60) -> String {
    let shown = names.prefix(most).map { $0.shown(most: longest) }.joined(separator: ", ")
    return names.count > most ? shown + ", … and \(names.count - most) more" : shown
}

extension DefaultStringInterpolation {
    /// `"name"`, escaped and cut: for the names that messages quote.
    package mutating func appendInterpolation(quoted value: some Any) {
        appendLiteral("\"\(String(describing: value).shown())\"")
    }

    /// Text without quotes, escaped and cut.
    package mutating func appendInterpolation(shown value: some Any) {
        appendLiteral(String(describing: value).shown())
    }
}

extension Unicode.Scalar {
    /// Whether a terminal may do something else than show it: C0 and C1 controls, line separators, and what reverses
    /// or hides text (bidirectional controls, zero-width characters, tags, the byte order mark).
    package var isControl: Bool {
        switch value {
        case 0..<0x20, 0x7F..<0xA0: true
        case 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x2069, 0xFEFF: true
        case 0xE0000...0xE007F: true
        default: false
        }
    }

    /// As JSON escapes it: `\u200b`, and two of them beyond 16 bits.
    package var jsonEscape: String {
        utf16.map { unit in
            let digits = String(unit, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
    }

    fileprivate var escape: String {
        switch self {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        case "\0": "\\0"
        default: "\\u{\(String(value, radix: 16, uppercase: true))}"
        }
    }
}
