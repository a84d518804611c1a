/// What lets `mpirun` run the tests anywhere: as root, and more ranks than cores.
package enum MPIEnvironment {
    package static let variables = [
        "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_mpi_yield_when_idle": "1",
        // Open MPI 4, and 5.
        "OMPI_MCA_rmaps_base_oversubscribe": "1", "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    ]

    /// `-q ` where `mpirun` has this option: Open MPI 5 has it no more.
    package static func quietOption() throws -> String {
        let version = try SpawnedProcess(["mpirun", "--version"]).wait(atMost: 20).output
        return version.contains("(Open MPI) 4.") ? "-q " : ""
    }

    /// `errors` without what `mpirun` itself adds: its banners between lines of dashes, and lines that
    /// begin with its name or with a host's and a number.
    package static func programErrors(_ errors: String) -> [String] {
        var lines: [String] = []
        var isBanner = false
        for line in errors.split(separator: "\n") {
            if line.count > 20, line.allSatisfy({ $0 == "-" }) {
                isBanner.toggle()
            } else if !isBanner, !line.hasPrefix("mpirun: "), !line.hasPrefix("[hwloc/"),
                line.prefixMatch(of: #/\[[^\] ]+:[0-9]+\] /#) == nil
            {
                lines.append(String(line))
            }
        }
        return lines
    }
}
