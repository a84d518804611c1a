/// The candidate a reader most probably meant by `name`: the smallest edit distance (a swap of
/// neighbours counts as one edit), at most a third of the longer word's length (at least 1), ignoring case.
/// `nil` if none is that near, or if the name is too long to be a slip of the keys.
package func nearestName(to name: String, in candidates: some Sequence<String>) -> String? {
    // Comparing two words takes the product of their lengths.
    let longest = 200
    guard name.utf8.count <= longest else { return nil }
    let word = Array(name.lowercased())
    var best: (distance: Int, name: String)?
    for candidate in candidates where candidate.utf8.count <= longest {
        let other = Array(candidate.lowercased())
        let limit = min(max(1, max(word.count, other.count) / 3), (best?.distance ?? .max) - 1)
        // Each character more is an edit.
        guard abs(word.count - other.count) <= limit else { continue }
        let distance = editDistance(word, other)
        if distance <= limit { best = (distance, candidate) }
    }
    return best?.name
}

/// Insertions, deletions, substitutions and swaps of neighbours ("optimal string alignment").
private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...b.count)
    for i in a.indices {
        var row = [i + 1]
        for j in b.indices {
            var distance = min(previous[j] + (a[i] == b[j] ? 0 : 1), previous[j + 1] + 1, row[j] + 1)
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                distance = min(distance, beforePrevious[j - 1] + 1)
            }
            row.append(distance)
        }
        (beforePrevious, previous) = (previous, row)
    }
    return previous[b.count]
}
