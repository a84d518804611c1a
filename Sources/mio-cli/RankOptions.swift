import ArgumentParser
import Foundation
import MIOBase
import MIOFiles
import MIOLaunch
import MIOMachine

/// How many ranks, and on which machines.
struct RankOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp("Processes, called ranks.", valueName: "ranks"))
    var number = 1

    @Option(help: ArgumentHelp("The machines and their slots: a:4,b:4.", valueName: "hosts"))
    var hosts: String?

    @Option(
        help: ArgumentHelp("A file with a line for each machine: a slots=4.", valueName: "file"),
        completion: .file())
    var hostfile: String?

    func validate() throws {
        guard number >= 1 else { throw ValidationError("-n \(number): expected at least 1 rank") }
        guard hosts == nil || hostfile == nil else {
            throw ValidationError("--hosts and --hostfile both name the machines; keep one")
        }
        guard let hosts else { return }
        do {
            _ = try HostSlots.count(list: hosts)
        } catch {
            throw ValidationError(
                "--hosts \(hosts): \(quoted: error.entry) is no machine; expected HOST or HOST:SLOTS, with commas "
                    + "between")
        }
    }

    var launchHosts: LaunchLine.Hosts {
        if let hosts { return .list(hosts) }
        if let hostfile { return .file(hostfile) }
        let marks = ["SLURM_JOB_ID", "PBS_NODEFILE", "LSB_HOSTS", "PE_HOSTFILE"]
        let environment = ProcessInfo.processInfo.environment
        return marks.contains { environment[$0] != nil } ? .allocation : .here
    }

    /// Whether ranks run on other machines, which this one cannot judge.
    var isElsewhere: Bool {
        guard let hosts else { return launchHosts != .here }
        return !HostSlots.isHere(list: hosts, hostName: ProcessInfo.processInfo.hostName)
    }

    private static let largestHostfile = 1 << 24

    /// Says what `mpirun` would refuse: a hostfile that is not there, fewer slots than ranks; or what it would wait for
    /// without end: more open files than are allowed. Raises that limit as far as that may be.
    /// - Parameter mpirunArguments: further ones.
    /// - Throws: `RunError`
    func check(mpirunArguments: [String] = []) throws {
        if LaunchLine.needsLauncher(ranks: number, hosts: launchHosts, extra: mpirunArguments) {
            // How many ranks of a list of machines are on this one, mpirun decides.
            try OpenFilesLimit.prepareLaunch(ranks: isElsewhere ? 0 : number)
        }
        var slots: Int?
        var place = ""
        if let hosts {
            slots = try HostSlots.count(list: hosts)
            place = "--hosts has \(counted(slots ?? 0, "slot")): \(hosts)"
        } else if let hostfile {
            let bytes: [UInt8]
            do throws(FileError) {
                bytes = try OpenFile.contents(of: hostfile, atMost: Self.largestHostfile)
            } catch {
                throw RunError("--hostfile \(shown: hostfile): \(error.reason)", exitCode: error.exitCode)
            }
            let text = String(decoding: bytes, as: UTF8.self)
            if let fault = HostSlots.fault(hostfile: text) {
                throw RunError("--hostfile \(shown: hostfile): \(fault)", exitCode: .badInput)
            }
            slots = HostSlots.count(hostfile: text)
            place = "--hostfile \(shown: hostfile) has \(counted(slots ?? 0, "slot"))"
        }
        guard let slots, slots < number,
            !HostSlots.mayBeExceeded(
                environment: ProcessInfo.processInfo.environment, arguments: mpirunArguments)
        else { return }
        throw RunError(
            "-n \(number), but \(place); take fewer ranks, or give the machines more slots", exitCode: .usage)
    }
}
