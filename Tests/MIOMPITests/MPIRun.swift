import ProcessSupport

/// A real `mpirun` of the program `mio-communication-check`.
struct MPIRun {
    let status: Int32
    let output: String
    let errors: String
    /// The program's own of them.
    var messages: [Substring] { errors.split(separator: "\n").filter { $0.contains("error:") } }

    /// - Parameter shell: commands for `sh` that each rank runs in the program's stead; `$0` is the program.
    /// - Parameter ranksPerGroup: `MIO_RANKS_PER_GROUP`.
    init(ranks: Int, _ arguments: [String], shell: String? = nil, ranksPerGroup: String? = nil) throws {
        let program = try BuiltProgram.path("mio-communication-check")
        let command = shell.map { ["sh", "-c", $0, program] } ?? [program] + arguments
        // Two minutes are far beyond what a run takes: a hang ends, and fails.
        try self.init(
            ["mpirun", "-n", "\(ranks)"] + command,
            adding: MPIEnvironment.variables.merging(
                ranksPerGroup.map { ["MIO_RANKS_PER_GROUP": $0] } ?? [:]
            ) { $1 })
    }

    /// The program alone, without a launcher.
    init(alone arguments: [String], adding environment: [String: String] = [:]) throws {
        try self.init([BuiltProgram.path("mio-communication-check")] + arguments, adding: environment)
    }

    private init(_ command: [String], adding environment: [String: String]) throws {
        let outcome = try SpawnedProcess(command, environment: environment).wait(atMost: 120)
        status = outcome.status
        output = outcome.output
        errors = outcome.errors
    }
}
