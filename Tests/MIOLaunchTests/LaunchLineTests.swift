import MIOLaunch
import MIOMachine
import Testing

@Suite struct LaunchLineTests {
    private let worker = ["/opt/mio/mio-worker", "my job.yaml"]

    private func text(
        _ ranks: Int, _ hosts: LaunchLine.Hosts = .here, extra: [String] = [], cores: MachineCores,
        openMPI: Int? = 4, isRoot: Bool = false, isTerminal: Bool = false
    ) -> String {
        LaunchLine(
            ranks: ranks, worker: worker, hosts: hosts, extra: extra,
            circumstances: .init(
                cores: cores, openMPI: openMPI, isRoot: isRoot, isTerminal: isTerminal)
        ).text
    }

    private let eight = MachineCores(threads: 8, cores: 8)

    @Test func aLoneRankNeedsNoLauncher() {
        #expect(text(1, cores: eight, isRoot: true) == "/opt/mio/mio-worker 'my job.yaml'")
    }

    @Test func ranksShareTheCoresEvenly() {
        #expect(
            text(2, cores: eight)
                == "mpirun -q -n 2 --map-by slot:PE=4 --bind-to core /opt/mio/mio-worker 'my job.yaml'")
        #expect(text(3, cores: eight).contains("slot:PE=2 "))
        #expect(text(8, cores: eight).contains("slot:PE=1 "))
    }

    @Test func moreRanksThanCoresAreNotBoundAndYield() {
        #expect(
            text(9, cores: eight, isRoot: true)
                == "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1 "
                + "mpirun -q -n 9 --oversubscribe --bind-to none /opt/mio/mio-worker 'my job.yaml'")
        // mpirun counts cores, not their threads.
        #expect(text(4, cores: MachineCores(threads: 4, cores: 2)).contains("--oversubscribe"))
    }

    @Test func anAffinityMaskIsKept() {
        let some = MachineCores(threads: 4, cores: 4, isRestricted: true)
        #expect(text(2, cores: some) == "mpirun -q -n 2 --bind-to none /opt/mio/mio-worker 'my job.yaml'")
    }

    @Test func otherMachinesAreLeftToMPIRun() {
        #expect(
            text(64, .list("a:32,b:32"), cores: eight, isTerminal: true)
                == "mpirun -n 64 --host a:32,b:32 -x MIO_TERMINAL=1 /opt/mio/mio-worker 'my job.yaml'")
        #expect(
            text(64, .file("hosts"), extra: ["--map-by", "node"], cores: eight)
                == "mpirun -n 64 --hostfile hosts --map-by node /opt/mio/mio-worker 'my job.yaml'")
    }

    /// mpirun would bind two ranks to one core each, on machines of their own too.
    @Test func fewRanksElsewhereMayUseTheirMachines() {
        #expect(text(1, .allocation, cores: eight).hasPrefix("mpirun -n 1 --bind-to none /opt"))
        #expect(
            text(2, .list("a,b"), cores: eight).hasPrefix("mpirun -n 2 --host a,b --bind-to none /opt"))
        #expect(text(3, .allocation, cores: eight).hasPrefix("mpirun -n 3 /opt"))
    }

    @Test func whoBindsRanksBindsThemAlone() {
        for option in ["--bind-to", "-bind-to", "--map-by"] {
            #expect(
                text(2, extra: [option, "socket"], cores: eight).hasPrefix(
                    "mpirun -q -n 2 \(option) socket /opt"))
        }
    }

    /// Open MPI 5 would refuse the option.
    @Test(arguments: [5, 6, nil]) func quietIsAskedOfThoseThatKnowIt(openMPI: Int?) {
        #expect(
            text(2, cores: eight, openMPI: openMPI)
                == "mpirun -n 2 --map-by slot:PE=4 --bind-to core /opt/mio/mio-worker 'my job.yaml'")
        #expect(text(9, cores: eight, openMPI: 3).contains("mpirun -q -n 9 "))
    }

    @Test func theVersionIsReadWhereThereIsOne() {
        #expect(OpenMPIVersion.major(in: "mpirun (Open MPI) 4.1.4\n\nReport bugs to …\n") == 4)
        #expect(OpenMPIVersion.major(in: "mpirun (Open MPI) 5.0.7\n") == 5)
        #expect(OpenMPIVersion.major(in: "prterun (Open MPI) 10.1.0rc2\n") == 10)
        #expect(OpenMPIVersion.major(in: "HYDRA build details:\n    Version: 4.0.2\n") == nil)
        #expect(OpenMPIVersion.major(in: "") == nil)
    }

    @Test func theInstalledOneHasAVersion() throws {
        #expect(try #require(OpenMPIVersion.installed()) >= 4)
    }

    @Test func thisMachineHasACore() {
        let cores = MachineCores.current
        #expect(cores.cores >= 1 && cores.cores <= cores.threads)
    }

    @Test func slurmStartsTheRanks() {
        func text(_ cores: Int?) -> String {
            LaunchLine(
                ranks: 4, worker: worker, hosts: .allocation, by: .srun, extra: ["--quiet"],
                circumstances: .init(cores: eight, openMPI: nil, isRoot: true, coresPerRank: cores)
            ).text
        }
        #expect(
            text(16)
                == "srun --mpi=pmix -n 4 --cpus-per-task=16 --cpu-bind=cores --kill-on-bad-exit=0 --wait=10 --quiet "
                + "/opt/mio/mio-worker 'my job.yaml'")
        #expect(text(nil).hasPrefix("srun --mpi=pmix -n 4 --cpu-bind=cores "))
    }

    @Test func aPartOfAnAllocationIsNamed() {
        let part = LaunchLine.Hosts.partOfAllocation(list: "n1:2,n3:2", count: 2, leftOut: ["n2", "n4"])
        func text(_ launcher: LaunchLine.Launcher) -> String {
            LaunchLine(
                ranks: 4, worker: worker, hosts: part, by: launcher,
                circumstances: .init(cores: eight, openMPI: 4, coresPerRank: 16)
            ).text
        }
        #expect(
            text(.mpirun)
                == "mpirun -n 4 --host n1:2,n3:2 --map-by slot:PE=16 --bind-to core /opt/mio/mio-worker 'my job.yaml'"
        )
        #expect(
            text(.srun)
                == "srun --mpi=pmix -n 4 --cpus-per-task=16 --cpu-bind=cores --kill-on-bad-exit=0 --wait=10 --nodes=2 "
                + "--exclude=n2,n4 /opt/mio/mio-worker 'my job.yaml'")
    }

    /// Open MPI does not read from Slurm how many cores a task has.
    @Test func anAllocationTellsTheCoresOfARank() {
        let line = LaunchLine(
            ranks: 2, worker: worker, hosts: .allocation,
            circumstances: .init(cores: eight, openMPI: 4, coresPerRank: 16))
        #expect(
            line.text
                == "mpirun -n 2 --map-by slot:PE=16 --bind-to core /opt/mio/mio-worker 'my job.yaml'")
    }
}
