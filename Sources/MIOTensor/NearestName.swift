/// The candidate a reader most probably meant by `name`: the smallest Levenshtein distance, at most a third
/// of the longer word's length (at least 1), ignoring case. `nil` if none is that near.
public func nearestName(to name: String, in candidates: some Sequence<String>) -> String? {
    let word = Array(name.lowercased())
    var best: (distance: Int, name: String)?
    for candidate in candidates {
        let other = Array(candidate.lowercased())
        let limit = max(1, max(word.count, other.count) / 3)
        let distance = editDistance(word, other)
        if distance <= limit, distance < best?.distance ?? .max { best = (distance, candidate) }
    }
    return best?.name
}

private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
    var row = Array(0...b.count)
    for (i, character) in a.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, other) in b.enumerated() {
            let substitution = diagonal + (character == other ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(substitution, row[j] + 1, row[j + 1] + 1)
        }
    }
    return row[b.count]
}
