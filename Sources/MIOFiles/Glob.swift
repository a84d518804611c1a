/// Patterns of file names, as `glob(7)` has them.
public enum Glob {
    /// A folder's name may contain what a pattern would interpret.
    public static func escaped(_ folder: String) -> String {
        String(folder.flatMap { "*?[]\\".contains($0) ? ["\\", $0] : [$0] })
    }

    /// The pattern from the root on.
    public static func absolute(_ pattern: String, in folder: String) -> String {
        if pattern.hasPrefix("/") { return pattern }
        return (folder == "/" ? "" : escaped(folder)) + "/" + pattern
    }
}
