import MIOBase
import MIOComm

let identityChecks = [
    ConformanceCheck(name: "ranks") { communicator, expect in
        expect.holds((0..<communicator.size).contains(communicator.rank), "the rank is in the world")
        let ranks = try communicator.allgather([UInt8(communicator.rank)])
        expect.equal(ranks, (0..<communicator.size).map { [UInt8($0)] }, "all ranks, by rank")
    },
    ConformanceCheck(name: "places on the machine") { communicator, expect in
        let group = communicator.group
        expect.equal(group.size * group.count, communicator.size, "ranks of all groups")
        expect.equal(group.index * group.size + group.rank, communicator.rank, "place in the group")
        expect.equal(communicator.ranksOnMachine % group.size, 0, "whole groups on the machine")
        expect.equal(communicator.rankOnMachine % group.size, group.rank, "rank on the machine")
    },
    ConformanceCheck(name: "statistics") { communicator, expect in
        let before = communicator.statistics
        let values = Storage<Float>(count: 5)
        try communicator.allreduceSum(values.pointer, count: 5)
        _ = try communicator.allreduceMax(1)
        _ = try communicator.broadcast([1, 2, 3], root: 0)
        try communicator.barrier()
        expect.equal(communicator.statistics.collectives - before.collectives, 4, "collectives")
        expect.equal(communicator.statistics.bytesReduced - before.bytesReduced, 5 * 4 + 8, "bytes reduced")
    },
]

let reductionChecks = [
    ConformanceCheck(name: "sums of floats") { communicator, expect in
        // Small whole numbers: every order of summation gives the same.
        let values = Storage<Float>(count: 11)
        for i in 0..<11 { values.pointer[i] = Float((communicator.rank + 1) * (i - 3)) }
        try communicator.allreduceSum(values.pointer, count: 11)
        let ranks = communicator.size * (communicator.size + 1) / 2
        expect.equal(Array(values.buffer), (0..<11).map { Float(ranks * ($0 - 3)) }, "sums")
    },
    ConformanceCheck(name: "sums of doubles") { communicator, expect in
        let values = Storage<Double>(count: 7)
        for i in 0..<7 { values.pointer[i] = Double(communicator.rank) + 0x1p-40 * Double(i) }
        try communicator.allreduceSum(values.pointer, count: 7)
        let size = communicator.size
        expect.equal(
            Array(values.buffer),
            (0..<7).map { Double(size * (size - 1) / 2) + 0x1p-40 * Double(size * $0) }, "sums")
    },
    ConformanceCheck(name: "sums are the same bits on all ranks") { communicator, expect in
        let count = 1000
        let values = Storage<Float>(count: count)
        // Every rank can compute every rank's numbers, and so the sums in double precision.
        var sums = [Double](repeating: 0, count: count)
        var magnitudes = sums
        for rank in 0..<communicator.size {
            var random = PhiloxSequence(seed: 7, stream: UInt64(rank))
            for i in 0..<count {
                let value = random.nextUniform(-1, 1)
                if rank == communicator.rank { values.pointer[i] = value }
                sums[i] += Double(value)
                magnitudes[i] += Double(abs(value))
            }
        }
        try communicator.allreduceSum(values.pointer, count: count)
        // n - 1 additions, each off by at most half an ulp of a partial sum.
        let additions = Double(communicator.size - 1)
        for i in 0..<count {
            let bound = additions * Double(Float.ulpOfOne) / 2 * magnitudes[i] * (1 + 1e-6)
            expect.holds(abs(Double(values.pointer[i]) - sums[i]) <= bound, "element \(i) within rounding")
        }
        let bytes = Array(UnsafeRawBufferPointer(values.buffer))
        let all = try communicator.allgather(bytes)
        expect.holds(all.allSatisfy { $0 == bytes }, "the same bits on all ranks")
    },
    ConformanceCheck(name: "sums of nothing") { communicator, expect in
        let values = Storage<Float>(count: 1)
        values.fill(3)
        try communicator.allreduceSum(values.pointer, count: 0)
        expect.equal(values.pointer[0], 3, "the element beyond the count")
    },
    ConformanceCheck(name: "infinities and NaNs in sums") { communicator, expect in
        let values = Storage<Float>(count: 2)
        let isLast = communicator.rank == communicator.size - 1
        values.pointer[0] = isLast ? .infinity : 1
        values.pointer[1] = isLast ? .nan : 1
        try communicator.allreduceSum(values.pointer, count: 2)
        expect.equal(values.pointer[0], .infinity, "a sum with an infinity")
        expect.holds(values.pointer[1].isNaN, "a sum with a NaN")
    },
    ConformanceCheck(name: "maxima") { communicator, expect in
        let (rank, last) = (communicator.rank, communicator.size - 1)
        expect.equal(try communicator.allreduceMax(Double(rank)), Double(last), "of the ranks")
        expect.equal(try communicator.allreduceMax(-1 - Double(rank)), -1, "of negative numbers")
        expect.equal(try communicator.allreduceMax(-.infinity), -.infinity, "of negative infinities")
        expect.equal(
            try communicator.allreduceMax(rank == 0 ? .infinity : 0), .infinity, "with an infinity")
        for source in 0...last {
            expect.holds(
                try communicator.allreduceMax(rank == source ? .nan : .infinity).isNaN, "with a NaN")
        }
    },
]
