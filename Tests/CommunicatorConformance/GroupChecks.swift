import MIOBase
import MIOComm

let groupChecks = [
    ConformanceCheck(name: "shared memory") { communicator, expect in
        let group = communicator.group
        var layout = SharedLayout()
        let counters = GroupCounters.place(in: &layout, group: group)
        let place = layout.place(Int64.self, count: group.size)
        let memory = try communicator.shareMemory(byteCount: layout.byteCount)
        let meeting = GroupCounters(memory, at: counters)
        let values = memory.storage(place)
        expect.equal(Array(values.buffer), [Int64](repeating: 0, count: group.size), "at first")
        try meeting.meet()
        for round in 1...50 {
            values.pointer[group.rank] = Int64(round * (communicator.rank + 1))
            try meeting.meet()
            let first = group.index * group.size
            expect.equal(
                Array(values.buffer), (0..<group.size).map { Int64(round * (first + $0 + 1)) },
                "round \(round)")
            try meeting.meet()
        }
        // A pointer's last use is not its storage's.
        withExtendedLifetime(values) {}
    },
    ConformanceCheck(name: "memory of one call is not that of another") { communicator, expect in
        let group = communicator.group
        let memories = try (0..<2).map { _ in try communicator.shareMemory(byteCount: 64) }
        var layout = SharedLayout()
        let place = layout.place(UInt8.self, count: 64)
        let values = memories.map { $0.storage(place) }
        if group.rank == 0 { values[0].fill(7) }
        try communicator.barrier()
        expect.equal(values[0].pointer[63], 7, "the first")
        expect.equal(values[1].pointer[63], 0, "the second")
        try communicator.barrier()
        withExtendedLifetime(values) {}
    },
    ConformanceCheck(name: "a broadcast between groups") { communicator, expect in
        var layout = SharedLayout()
        let place = layout.place(Float.self, count: 100)
        let values = try communicator.shareMemory(byteCount: layout.byteCount).storage(place)
        if communicator.rank == 0 { for i in 0..<100 { values.pointer[i] = Float(i) } }
        try communicator.broadcastBetweenGroups(UnsafeMutableRawBufferPointer(values.buffer))
        expect.equal(Array(values.buffer), (0..<100).map { Float($0) }, "the values")
        withExtendedLifetime(values) {}
    },
    ConformanceCheck(name: "rows gathered between groups") { communicator, expect in
        let group = communicator.group
        let rows = Storage<Double>(count: group.count * 3)
        for i in 0..<3 { rows.pointer[group.index * 3 + i] = Double(communicator.rank * 10 + i) }
        try communicator.gatherBetweenGroups(rows.pointer, count: 3)
        expect.equal(
            Array(rows.buffer),
            (0..<group.count * 3).map { Double(($0 / 3 * group.size + group.rank) * 10 + $0 % 3) }, "rows")
    },
    ConformanceCheck(name: "sums in the order of a tree") { communicator, expect in
        // Terms whose order shows: another would round otherwise.
        let terms = (0..<communicator.size).map { [1, 0x1p53, -0x1p53, 1][$0 % 4] * Double($0 + 1) }
        var all = terms
        all.withUnsafeMutableBufferPointer {
            TreeOrder.sum($0.baseAddress!, terms: communicator.size, count: 1)
        }
        expect.equal(
            try communicator.sumInTreeOrder([terms[communicator.rank], 2]),
            [all[0], Double(2 * communicator.size)], "sums")
    },
    ConformanceCheck(name: "sums between groups, in every order") { communicator, expect in
        let group = communicator.group
        let (sums, count) = (3, 20)
        communicator.reserve(sums: sums)
        communicator.reserve(sums: 1)
        let values = Storage<Float>(count: sums * count)
        // Whole numbers up to 256, which bfloat16 holds, and so do their sums here.
        for (step, order) in SumBetweenGroups.allCases.enumerated() {
            for i in 0..<sums * count { values.pointer[i] = Float((group.index + 1) * (i % 8 + step)) }
            for number in 0..<sums {
                try communicator.startSumBetweenGroups(
                    values.pointer + number * count, count: count, order: order, number: number)
                try communicator.progress()
            }
            try communicator.barrier()
            for number in 0..<sums {
                try communicator.progress()
                try communicator.waitForSum(number)
            }
            let groups = Float(group.count * (group.count + 1) / 2)
            expect.equal(
                Array(values.buffer), (0..<sums * count).map { groups * Float($0 % 8 + step) },
                "\(order)")
        }
    },
    ConformanceCheck(name: "bfloat16 rounds each term and the sum once") { communicator, expect in
        let group = communicator.group
        // Of one group nothing travels.
        guard group.count > 1 else { return }
        let count = 37
        communicator.reserve(sums: 1)
        let values = Storage<Float>(count: count)
        var terms = [[Float]](repeating: [], count: group.count)
        for index in 0..<group.count {
            var random = PhiloxSequence(seed: 3, stream: UInt64(index))
            terms[index] = (0..<count).map { _ in random.nextUniform(-1, 1) }
        }
        for i in 0..<count { values.pointer[i] = terms[group.index][i] }
        try communicator.startSumBetweenGroups(values.pointer, count: count, order: .bfloat16, number: 0)
        try communicator.waitForSum(0)
        func carried(_ value: Float) -> Float { BFloat16.value(BFloat16.rounded(value)) }
        let expected = (0..<count).map { i in
            var column = terms.map { carried($0[i]) }
            column.withUnsafeMutableBufferPointer {
                TreeOrder.sum($0.baseAddress!, terms: group.count, count: 1)
            }
            return carried(column[0])
        }
        expect.equal(Array(values.buffer), expected, "sums")
    },
    ConformanceCheck(name: "a started sum of nothing") { communicator, expect in
        communicator.reserve(sums: 1)
        let values = Storage<Float>(count: 1)
        values.fill(3)
        for order in SumBetweenGroups.allCases {
            try communicator.startSumBetweenGroups(values.pointer, count: 0, order: order, number: 0)
            try communicator.waitForSum(0)
        }
        expect.equal(values.pointer[0], 3, "the element beyond the count")
    },
]
