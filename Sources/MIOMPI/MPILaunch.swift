import MIOSystem

/// What the environment says of how this process was started.
package enum MPILaunch {
    /// Whether a launcher started this process as a rank. If not, use the loopback communicator: MPI
    /// would start a daemon of its own for a world of one.
    package static var isLaunched: Bool { hasProcessManager || tasksOfStep > 1 }

    /// The rank of this process before MPI runs, as its launcher says it; `nil` if none started it.
    package static var rank: Int? {
        guard isLaunched else { return nil }
        let variables: [String] = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"]
        return variables.lazy.compactMap { getenv($0).flatMap { Int(String(cString: $0)) } }.first ?? 0
    }

    /// Whether something that joins processes into an MPI world is there: `mpirun`'s, PMIx's or PMI's marks.
    static var hasProcessManager: Bool {
        let marks: [String] = ["PMIX_RANK", "PMI_RANK", "PMI_SIZE"]
        return isUnderMPIRun || marks.contains { getenv($0) != nil }
    }

    /// Whether `mpirun` started this process. It may have done so within a task of `srun`.
    static var isUnderMPIRun: Bool { getenv("OMPI_COMM_WORLD_SIZE") != nil }

    /// The tasks that `srun` started together with this one; 1 without it. A Slurm batch script is not
    /// itself such a step, so a program it runs without `srun` is alone.
    static var tasksOfStep: Int {
        getenv("SLURM_STEP_NUM_TASKS").flatMap { Int(String(cString: $0)) } ?? 1
    }
}
