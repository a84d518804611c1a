// What a rank does under a real mpirun, for the tests of MIOMPI.
//
//     mio-communication-check conformance [ELEMENTS_PER_CALL]
//     mio-communication-check launched | agreed-failure | memory | abort | truncation | twice | unattended

import CommunicatorConformance
import MIOBase
import MIOComm
import MIOMPI
import MIOSystem

struct SampleError: MIOError {
    let description: String
    let exitCode: ExitCode
}

/// Writes a line to standard error in one piece, so that lines of several ranks do not mix.
func printError(_ line: String) {
    fflush(nil)
    var text = line + "\n"
    let written = text.withUTF8 { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    precondition(written == text.utf8.count, "standard error is closed")
}

func endWithUsage() -> Never {
    printError(
        "usage: mio-communication-check conformance [ELEMENTS_PER_CALL] | launched | agreed-failure | memory "
            + "| abort | truncation | twice | unattended")
    exit(ExitCode.usage.rawValue)
}

func end(_ communicator: MPICommunicator, _ code: ExitCode) throws -> Never {
    try communicator.finalize()
    try communicator.finalize()
    exit(code.rawValue)
}

/// The suite; prints "N checks passed" or what failed, once.
func conformance(elementsPerCall: Int?) throws -> Never {
    let communicator =
        try elementsPerCall.map { try MPICommunicator(elementsPerCall: $0) } ?? MPICommunicator()
    if let fault = communicator.fault {
        if communicator.rank == 0 { printError("error: \(fault)") }
        try end(communicator, fault.exitCode)
    }
    let report = try checkConformance(of: communicator)
    if communicator.rank == 0 {
        for failure in report.failures { print(failure) }
        if report.failures.isEmpty {
            print("\(report.checks) checks passed on \(communicator.size) ranks over \(communicator.name)")
        }
        fflush(nil)
    }
    try communicator.finalize()
    exit(report.failures.isEmpty ? 0 : 1)
}

/// Rank 1 finds a bad file: all ranks end with its exit code, and one message is printed.
func agreedFailure() throws -> Never {
    try endAgreed { communicator in
        try communicator.agree(on: "the data") {
            guard communicator.rank != 1 else {
                throw SampleError(description: "train-1.npz: truncated", exitCode: .badInput)
            }
        }
    }
}

/// 16 MiB that the ranks of a machine share.
func memory() throws -> Never {
    try endAgreed { _ = try $0.shareMemory(byteCount: 256 << 20) }
}

func endAgreed(_ body: (MPICommunicator) throws -> Void) throws -> Never {
    let communicator = try MPICommunicator()
    do {
        try body(communicator)
        try end(communicator, .finished)
    } catch let error as AgreedError {
        if communicator.rank == 0 { printError("error: \(error)") }
        try end(communicator, error.exitCode)
    }
}

/// The last rank fails alone while the others wait in a barrier.
func abortAlone() throws -> Never {
    let communicator = try MPICommunicator()
    if communicator.rank == communicator.size - 1 { communicator.abort(.inputOutput) }
    try communicator.barrier()
    try end(communicator, .finished)
}

/// Rank 0 sends more than the others take: their MPI_Bcast fails, and says so.
func truncation() throws -> Never {
    let communicator = try MPICommunicator()
    var bytes = [UInt8](repeating: 0, count: communicator.rank == 0 ? 8 : 4)
    do {
        try bytes.withUnsafeMutableBytes { try communicator.broadcast($0, root: 0) }
    } catch {
        print(error)
        fflush(nil)
    }
    try end(communicator, .finished)
}

/// Large sums between groups, in every order, become complete though this thread makes no call meanwhile.
func unattended() throws -> Never {
    let communicator = try MPICommunicator()
    let (sums, count) = (2, 1 << 18)
    communicator.reserve(sums: sums)
    let values = Storage<Float>(count: sums * count)
    for order in SumBetweenGroups.allCases {
        values.fill(Float(communicator.rank + 1))
        for number in 0..<sums {
            try communicator.startSumBetweenGroups(
                values.pointer + number * count, count: count, order: order, number: number)
        }
        for _ in 0..<20_000 where !(0..<sums).allSatisfy(communicator.isSumComplete) { usleep(1000) }
        let isComplete = (0..<sums).allSatisfy(communicator.isSumComplete)
        for number in 0..<sums { try communicator.waitForSum(number) }
        let sum = Float(communicator.size * (communicator.size + 1) / 2)
        let isRight = values.buffer.allSatisfy { $0 == sum }
        if communicator.rank == 0 {
            print(order, isComplete ? "complete" : "not within 20 s", isRight ? "right" : "wrong")
        }
    }
    fflush(nil)
    try end(communicator, .finished)
}

/// MPI cannot be started twice in a process.
func twice() throws -> Never {
    let communicator = try MPICommunicator()
    do {
        _ = try MPICommunicator()
    } catch {
        print(error)
        fflush(nil)
    }
    try end(communicator, .finished)
}

let arguments = CommandLine.arguments.dropFirst()
do {
    switch arguments.first {
    case "conformance":
        let limit = arguments.dropFirst().first.map { Int($0) ?? 0 }
        if let limit, limit < 1 { endWithUsage() }
        try conformance(elementsPerCall: limit)
    case "launched":
        print(MPILaunch.isLaunched)
    case "agreed-failure": try agreedFailure()
    case "memory": try memory()
    case "abort": try abortAlone()
    case "truncation": try truncation()
    case "twice": try twice()
    case "unattended": try unattended()
    default:
        endWithUsage()
    }
} catch let error as any MIOError {
    printError("error: \(error)")
    exit(error.exitCode.rawValue)
}
