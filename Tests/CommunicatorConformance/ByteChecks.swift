import MIOComm

let byteChecks = [
    ConformanceCheck(name: "broadcast in place") { communicator, expect in
        for root in 0..<communicator.size {
            var bytes = [UInt8](repeating: UInt8(communicator.rank), count: 10)
            try bytes.withUnsafeMutableBytes { try communicator.broadcast($0, root: root) }
            expect.equal(bytes, .init(repeating: UInt8(root), count: 10), "from \(root)")
        }
        try communicator.broadcast(UnsafeMutableRawBufferPointer(start: nil, count: 0), root: 0)
    },
    ConformanceCheck(name: "broadcast of unknown length") { communicator, expect in
        for root in 0..<communicator.size {
            for length in [0, 1, 17] {
                let own = communicator.rank == root ? (0..<length).map { UInt8($0 + root) } : [99, 98]
                expect.equal(
                    try communicator.broadcast(own, root: root), (0..<length).map { UInt8($0 + root) },
                    "\(length) bytes from \(root)")
            }
        }
    },
    ConformanceCheck(name: "gather") { communicator, expect in
        let contributions = (0..<communicator.size).map { [UInt8](repeating: UInt8($0 + 1), count: $0 * 3) }
        for root in 0..<communicator.size {
            let gathered = try communicator.gather(contributions[communicator.rank], root: root)
            expect.equal(gathered, communicator.rank == root ? contributions : nil, "to \(root)")
        }
    },
    ConformanceCheck(name: "allgather") { communicator, expect in
        for shift in 0..<3 {
            let contributions = (0..<communicator.size).map {
                [UInt8](repeating: UInt8($0), count: ($0 + shift) % 3 * 4)
            }
            expect.equal(
                try communicator.allgather(contributions[communicator.rank]), contributions, "shift \(shift)")
        }
    },
]
