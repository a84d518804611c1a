import MIOBase
import MIOComm

/// An error of a job, for one.
struct SampleError: MIOError {
    let description: String
    let exitCode: ExitCode
}

let agreementChecks = [
    ConformanceCheck(name: "agreement on a success") { communicator, expect in
        expect.equal(
            try communicator.agree(on: "a number") { communicator.rank * 2 }, communicator.rank * 2,
            "the value")
    },
    ConformanceCheck(name: "agreement when the last rank fails") { communicator, expect in
        let last = communicator.size - 1
        let error = expect.error(AgreedError.self, "one failure") {
            try communicator.agree(on: "the data") {
                guard communicator.rank != last else {
                    throw SampleError(description: "cannot read a.npz: no such file", exitCode: .missingInput)
                }
            }
        }
        expect.equal(error?.ranks, [last], "the failing ranks")
        expect.equal(error?.exitCode, .missingInput, "the exit code")
        let prefix = communicator.size == 1 ? "" : "rank \(last): "
        expect.equal(error?.description, prefix + "cannot read a.npz: no such file", "the message")
    },
    ConformanceCheck(name: "agreement when all fail alike") { communicator, expect in
        let error = expect.error(AgreedError.self, "failures") {
            try communicator.agree(on: "the job") {
                throw SampleError(description: "bad job", exitCode: .badInput)
            }
        }
        expect.equal(error?.description, "bad job", "the message")
        expect.equal(error?.ranks, Array(0..<communicator.size), "the failing ranks")
        expect.equal(error?.exitCode, .badInput, "the exit code")
    },
    ConformanceCheck(name: "agreement when ranks fail differently") { communicator, expect in
        let error = expect.error(AgreedError.self, "failures") {
            try communicator.agree(on: "the data") {
                let isEven = communicator.rank % 2 == 0
                throw SampleError(
                    description: isEven ? "even" : "odd", exitCode: isEven ? .inputOutput : .badInput)
            }
        }
        let expected = [
            "even", "rank 0: even\nrank 1: odd", "ranks 0, 2: even\nrank 1: odd",
            "ranks 0, 2: even\nranks 1, 3: odd",
        ]
        if communicator.size <= expected.count {
            expect.equal(error?.description, expected[communicator.size - 1], "the message")
        }
        expect.equal(error?.exitCode, .inputOutput, "the lowest rank's exit code")
    },
    ConformanceCheck(name: "agreement on what one rank did for all") { communicator, expect in
        let error = expect.error(AgreedError.self, "one failure") {
            try communicator.agree(on: "the run directory", .ofOneRank) {
                guard communicator.rank != 0 else {
                    throw SampleError(description: "cannot create the folder run", exitCode: .inputOutput)
                }
            }
        }
        expect.equal(error?.description, "cannot create the folder run", "the message")
        expect.equal(error?.ranks, [0], "the failing ranks")
        expect.equal(error?.exitCode, .inputOutput, "the exit code")
    },
    ConformanceCheck(name: "agreement on what was done in shares") { communicator, expect in
        let last = communicator.size - 1
        for code in [ExitCode.badInput, .missingInput, .inputOutput] {
            let error = expect.error(AgreedError.self, "one failure") {
                try communicator.agree(on: "the labels", .inShares) {
                    guard communicator.rank != last else {
                        throw SampleError(description: "row 7 is bad", exitCode: code)
                    }
                }
            }
            // A disk that fails is the rank's own.
            let prefix = communicator.size > 1 && code == .inputOutput ? "rank \(last): " : ""
            expect.equal(error?.description, prefix + "row 7 is bad", "the message")
        }
    },
    ConformanceCheck(name: "agreement with an error of someone else's") { communicator, expect in
        struct Foreign: Error {}
        let error = expect.error(AgreedError.self, "failures") {
            try communicator.agree(on: "the data") { throw Foreign() }
        }
        expect.equal(error?.exitCode, .internalError, "the exit code")
        expect.equal(error?.description, "Foreign()", "the message")
    },
    ConformanceCheck(name: "equal texts") { communicator, expect in
        try communicator.requireEqual("plan", "a\nb\n")
        try communicator.requireEqual("plan", "")
        expect.holds(true, "nothing is thrown")
    },
    ConformanceCheck(name: "a text that differs") { communicator, expect in
        guard communicator.size > 1 else { return }
        let last = communicator.size - 1
        let text = communicator.rank == last ? "a\nb = 2\nc" : "a\nb = 1\nc"
        let error = expect.error(DifferenceError.self, "a difference") {
            try communicator.requireEqual("plan", text)
        }
        expect.equal(
            error?.description,
            "the plan differs on rank \(last): line 2: expected \"b = 1\", received \"b = 2\": "
                + "all ranks must see the same files and the same mio", "the message")
        expect.equal(error?.exitCode, .badInput, "the exit code")
    },
    ConformanceCheck(name: "a text that ends early") { communicator, expect in
        guard communicator.size > 1 else { return }
        let error = expect.error(DifferenceError.self, "a difference") {
            try communicator.requireEqual("list of shards", communicator.rank == 0 ? "a\nb" : "a")
        }
        let others = Array(1..<communicator.size)
        expect.equal(error?.ranks, others, "the ranks that differ")
        expect.equal(error?.line, 2, "the line")
        expect.equal(error?.expected, "b", "rank 0's line")
        expect.equal(error?.received, nil, "the other's line")
        if communicator.size == 3 {
            expect.equal(
                error?.description,
                "the list of shards differs on ranks 1, 2: line 2 of rank 1: expected \"b\", received the end "
                    + "of the text: all ranks must see the same files and the same mio", "the message")
        }
    },
    ConformanceCheck(name: "a long line that differs, and one that only looks the same") {
        communicator, expect in
        guard communicator.size > 1 else { return }
        let long = String(repeating: "x", count: 500)
        let error = expect.error(DifferenceError.self, "a difference") {
            try communicator.requireEqual("job", long + (communicator.rank == 0 ? "A" : "B") + long)
        }
        let half = String(repeating: "x", count: 60)
        let rest = String(repeating: "x", count: 59)
        expect.holds(
            error?.description.contains("expected \"…\(half)A\(rest)…\", received \"…\(half)B\(rest)…\"")
                == true,
            "an excerpt, received \(error?.description ?? "nothing")")
        let composed = expect.error(DifferenceError.self, "a difference of bytes") {
            try communicator.requireEqual("job", communicator.rank == 0 ? "\u{e9}" : "e\u{301}")
        }
        expect.equal(composed?.line, 1, "the line")
    },
]
