import MIOSystem

/// Patterns of file names, as `glob(7)` has them.
package enum Glob {
    /// Whether a pattern takes the whole of a name, as `fnmatch(3)` says; `*` takes "/" too.
    package static func matches(_ name: String, _ pattern: String) -> Bool { fnmatch(pattern, name, 0) == 0 }

    /// A folder's name may contain what a pattern would interpret.
    package static func escaped(_ folder: String) -> String {
        String(folder.flatMap { "*?[]\\".contains($0) ? ["\\", $0] : [$0] })
    }

    /// The name that a pattern is, taken literally.
    package static func unescaped(_ pattern: String) -> String {
        var name = ""
        var characters = pattern.makeIterator()
        while let character = characters.next() {
            if character == "\\" {
                name += characters.next().map { String($0) } ?? "\\"
            } else {
                name.append(character)
            }
        }
        return name
    }

    /// The pattern from the root on.
    package static func absolute(_ pattern: String, in folder: String) -> String {
        if pattern.hasPrefix("/") { return pattern }
        return (folder == "/" ? "" : escaped(folder)) + "/" + pattern
    }
}
