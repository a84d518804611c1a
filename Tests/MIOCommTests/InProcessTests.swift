import MIOBase
import MIOComm
import Synchronization
import Testing

private struct SampleError: MIOError, Equatable {
    let description: String
    var exitCode: ExitCode { .badInput }
}

@Suite(.timeLimit(.minutes(1))) struct InProcessTests {
    @Test func resultsComeByRank() throws {
        let results = try InProcessCommunicator.run(worldSize: 4) { $0.rank * $0.rank }
        #expect(results == [0, 1, 4, 9])
    }

    @Test func sumsAreTakenInTheOrderOfATree() throws {
        // 1 + 2^24 rounds to 2^24, of which the last rank leaves 0; another order would give 1.
        let sums = try InProcessCommunicator.run(worldSize: 3) { communicator in
            let value = Storage<Float>(count: 1)
            value.pointer[0] = [1, 0x1p24, -0x1p24][communicator.rank]
            try communicator.allreduceSum(value.pointer, count: 1)
            return value.pointer[0]
        }
        #expect(sums == [0, 0, 0])
    }

    @Test(arguments: ["sum", "maximum", "started", "broadcast", "exchange", "barrier", "finalize", "shared"])
    func aRankThatThrowsLeavesNobodyWaiting(collective: String) throws {
        // Each of the others returns what it saw instead of throwing it.
        let seen = Seen()
        #expect(throws: SampleError(description: "disk full")) {
            try InProcessCommunicator.run(worldSize: 4, groupSize: collective == "started" ? 1 : 4) {
                communicator in
                guard communicator.rank != 2 else { throw SampleError(description: "disk full") }
                let values = Storage<Float>(count: 8)
                communicator.reserve(sums: 1)
                do {
                    switch collective {
                    case "sum": try communicator.allreduceSum(values.pointer, count: 8)
                    case "maximum": _ = try communicator.allreduceMax(1)
                    case "started":
                        try communicator.startSumBetweenGroups(
                            values.pointer, count: 8, order: .any, number: 0)
                        try communicator.waitForSum(0)
                    case "broadcast":
                        try communicator.broadcast(UnsafeMutableRawBufferPointer(values.buffer), root: 2)
                    case "exchange": _ = try communicator.allgather([1])
                    case "barrier": try communicator.barrier()
                    case "shared": _ = try communicator.shareMemory(byteCount: 64)
                    default: try communicator.finalize()
                    }
                    seen.add("rank \(communicator.rank): nothing was thrown")
                } catch let error as CommunicationError {
                    seen.add(error.reason)
                    #expect(error.departedRank == 2)
                    #expect(error.rank == communicator.rank)
                    #expect(error.exitCode == .inputOutput)
                }
            }
        }
        #expect(seen.all == .init(repeating: "rank 2 left: disk full", count: 3))
    }

    @Test func aRankThatLeavesIsMissedInSharedMemory() {
        #expect(throws: SampleError(description: "out of paper")) {
            try InProcessCommunicator.run(worldSize: 3) { communicator in
                var layout = SharedLayout()
                let place = GroupCounters.place(in: &layout, group: communicator.group)
                let memory = try communicator.shareMemory(byteCount: layout.byteCount)
                let meeting = GroupCounters(memory, at: place)
                try meeting.meet()
                if communicator.rank == 1 { throw SampleError(description: "out of paper") }
                let error = #expect(throws: CommunicationError.self) { try meeting.meet() }
                #expect(error?.departedRank == 1)
            }
        }
    }

    @Test func theErrorIsThatOfTheRankThatFailed() {
        // Ranks 0 and 1 fail as a consequence; rank 2's error is what is thrown.
        #expect(throws: SampleError(description: "out of tune")) {
            try InProcessCommunicator.run(worldSize: 3) { communicator in
                try communicator.barrier()
                if communicator.rank == 2 { throw SampleError(description: "out of tune") }
                try communicator.barrier()
            }
        }
    }

    @Test func aRankThatReturnsEarlyIsNamed() {
        let error = #expect(throws: CommunicationError.self) {
            try InProcessCommunicator.run(worldSize: 2) { communicator in
                try communicator.barrier()
                if communicator.rank == 0 { try communicator.barrier() }
            }
        }
        #expect(error?.description == "barrier failed on rank 0: rank 1 left: it had finished")
    }

    @Test func whatCompletedBeforeARankLeftIsValid() throws {
        let sums = try InProcessCommunicator.run(worldSize: 3, groupSize: 1) { communicator in
            let values = Storage<Float>(count: 1)
            values.fill(2)
            communicator.reserve(sums: 1)
            try communicator.startSumBetweenGroups(values.pointer, count: 1, order: .any, number: 0)
            try communicator.waitForSum(0)
            return values.pointer[0]
        }
        #expect(sums == [6, 6, 6])
    }

    @Test func differentCollectivesAreReported() {
        let error = #expect(throws: CommunicationError.self) {
            try InProcessCommunicator.run(worldSize: 2) { communicator in
                let values = Storage<Float>(count: 5)
                if communicator.rank == 0 {
                    try communicator.allreduceSum(values.pointer, count: 5)
                } else {
                    try communicator.barrier()
                }
            }
        }
        #expect(
            error?.reason
                == "rank 1 called barrier as its collective 1 when rank 0 called allreduceSum of 5 floats "
                + "as its collective 1: all ranks must call the same collectives in the same order")
    }

    @Test func differentCountsAreReported() {
        let error = #expect(throws: CommunicationError.self) {
            try InProcessCommunicator.run(worldSize: 2) { communicator in
                let values = Storage<Double>(count: 5)
                try communicator.allreduceSum(values.pointer, count: 4 + communicator.rank)
            }
        }
        #expect(
            error?.reason.hasPrefix(
                "rank 1 called allreduceSum of 5 doubles as its collective 1 when rank 0 called allreduceSum "
                    + "of 4 doubles as its collective 1") == true)
    }

    @Test func startedSumsMustComeInTheSameOrder() {
        // MPI matches collectives by the order in which they are started, not by number. A rank's own numbers come in
        // ascending order (a precondition), so the one that differs leaves one out.
        let error = #expect(throws: CommunicationError.self) {
            try InProcessCommunicator.run(worldSize: 2, groupSize: 1) { communicator in
                let values = Storage<Float>(count: 2)
                communicator.reserve(sums: 2)
                let sums = communicator.rank == 0 ? [0, 1] : [1]
                for number in sums {
                    try communicator.startSumBetweenGroups(
                        values.pointer + number, count: 1, order: .any, number: number)
                }
                for number in sums { try communicator.waitForSum(number) }
            }
        }
        #expect(error?.reason.contains("all ranks must call the same collectives in the same order") == true)
    }

    @Test func ranksThatAgreeOnDifferentThingsAreToldSo() {
        let error = #expect(throws: CommunicationError.self) {
            try InProcessCommunicator.run(worldSize: 2) { communicator in
                try communicator.agree(on: communicator.rank == 0 ? "the job" : "the data") {}
            }
        }
        #expect(
            error?.description
                == "agreement on the job failed on rank 0: rank 1 is in another place: all ranks must agree "
                + "on the same things in the same order")
    }

    @Test func threadsHaveAMainThreadsStack() throws {
        // A kibibyte a call: six mebibytes, where a small stack would overflow.
        @Sendable func descend(_ depth: Int) -> Int {
            withUnsafeTemporaryAllocation(of: Int.self, capacity: 128) { frame in
                frame.initialize(repeating: depth)
                return depth == 0 ? 0 : descend(depth - 1) + (frame[depth % 128] == depth ? 1 : 0)
            }
        }
        let depths = try InProcessCommunicator.run(worldSize: 2) { _ in descend(6000) }
        #expect(depths == [6000, 6000])
    }
}

/// What ranks saw, in no order.
private final class Seen: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}
