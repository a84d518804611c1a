import MIOComm
import MIOTensor

let reducerChecks = [
    ConformanceCheck(name: "the bucketed reducer equals a plain sum") { communicator, expect in
        let count = 100
        let slab = Storage<Float>(count: count)
        let buckets = [60..<100, 7..<60, 0..<7]
        let reducer = BucketedReducer(communicator: communicator, slab: slab, buckets: buckets)
        let ranks = Float(communicator.size * (communicator.size + 1) / 2)
        let before = communicator.statistics
        let steps = 5
        for step in 0..<steps {
            reducer.begin()
            for (index, bucket) in buckets.enumerated() {
                for i in bucket { slab.pointer[i] = Float((communicator.rank + 1) * (i - step)) }
                try reducer.bucketReady(index)
                try reducer.progress()
            }
            try reducer.finish()
            expect.equal(Array(slab.buffer), (0..<count).map { ranks * Float($0 - step) }, "step \(step)")
        }
        let isAlone = communicator.size == 1
        expect.equal(
            communicator.statistics.collectives - before.collectives, isAlone ? 0 : steps * buckets.count,
            "collectives")
        expect.equal(
            communicator.statistics.bytesReduced - before.bytesReduced, isAlone ? 0 : steps * count * 4,
            "bytes reduced")
    },
    ConformanceCheck(name: "a reducer with nothing to reduce") { communicator, expect in
        let reducer = BucketedReducer(
            communicator: communicator, slab: Storage<Float>(count: 0), buckets: [])
        reducer.begin()
        try reducer.finish()
        expect.equal(reducer.buckets, [], "buckets")
    },
]
