/// Texts in the order in which they were first inserted.
struct OrderedTexts {
    private(set) var texts: [String] = []
    private var seen: Set<String> = []
    private var byteCount = 0

    /// A job file takes so many texts, and so many bytes of them, with room for the rest of the job.
    static let most = 200_000
    private static let mostBytes = 4 << 20

    /// Whether there are more of them than a job file takes.
    var isTooLarge: Bool { texts.count > Self.most || byteCount > Self.mostBytes }

    mutating func insert(_ text: String) {
        guard seen.insert(text).inserted else { return }
        texts.append(text)
        byteCount += text.utf8.count
    }
}
