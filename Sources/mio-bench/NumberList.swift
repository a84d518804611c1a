import ArgumentParser

/// Numbers with commas between them, as an option's value.
enum NumberList {
    /// - Throws: `ValidationError` that names the option, unless all are whole numbers of at least 1.
    static func parse(_ text: String, option: String) throws -> [Int] {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Int($0) }.filter { $0 >= 1 }
        guard numbers.count == parts.count else {
            throw ValidationError("--\(option) \(text): expected numbers with commas between, as 1,2")
        }
        return numbers
    }
}
