import MIOProcess

/// Which Open MPI's `mpirun` is at hand: its options and its words are not the same in all versions.
package enum OpenMPIVersion {
    /// A file system with programs may be slow.
    private static let mostSeconds = 60.0

    /// The major version of the `mpirun` in `PATH`, which is asked for it: some 10 milliseconds.
    /// - Returns: `nil` if there is none, or it is not Open MPI's.
    package static func installed() -> Int? {
        guard let call = try? RunningProgram(["mpirun", "--version"], keepsErrors: false),
            call.wait(atMost: mostSeconds) == .exited(0)
        else { return nil }
        return major(in: call.text)
    }

    /// 5 in `mpirun (Open MPI) 5.0.7`.
    package static func major(in text: String) -> Int? {
        text.firstMatch(of: #/\(Open MPI\) ([0-9]+)\./#).flatMap { Int($0.1) }
    }
}
