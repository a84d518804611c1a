import ProgramRuns

/// A real `mpirun` of the program `mio-communication-check`.
enum MPIRun {
    /// - Parameter shell: commands for `sh` that each rank runs in the program's stead; `$0` is the program.
    static func run(ranks: Int, _ arguments: [String], shell: String? = nil) throws -> ProgramRun {
        let program = try program()
        let command = shell.map { ["sh", "-c", $0, program] } ?? [program] + arguments
        return try ProgramRun(
            // A hang ends after a minute, with a message and a status other than 0.
            ["mpirun", "--timeout", "60", "--oversubscribe", "-n", "\(ranks)"] + command,
            adding: [
                "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                "OMPI_MCA_mpi_yield_when_idle": "1",
            ])
    }

    /// The program alone, without a launcher.
    static func alone(_ arguments: [String], adding environment: [String: String] = [:]) throws -> ProgramRun
    {
        try ProgramRun([program()] + arguments, adding: environment)
    }

    private static func program() throws -> String { try ProgramRun.path(of: "mio-communication-check") }
}
