/// An order in which calls can be made, each after those it takes its inputs from; or why there is none.
enum CallOrder: Equatable {
    /// The same for the same calls.
    case order([Int])
    /// Calls of which each feeds the next, and the last the first.
    case cycle([Int])

    /// - Parameter producers: for each call, the calls whose results it takes.
    init(_ producers: [[Int]]) {
        var consumers = [[Int]](repeating: [], count: producers.count)
        var waitingFor = [Int](repeating: 0, count: producers.count)
        for (call, sources) in producers.enumerated() {
            waitingFor[call] = sources.count
            for source in sources { consumers[source].append(call) }
        }
        var order: [Int] = []
        var ready = producers.indices.filter { waitingFor[$0] == 0 }
        var next = 0
        while next < ready.count {
            let call = ready[next]
            next += 1
            order.append(call)
            for consumer in consumers[call] {
                waitingFor[consumer] -= 1
                if waitingFor[consumer] == 0 { ready.append(consumer) }
            }
        }
        guard let stuck = producers.indices.first(where: { waitingFor[$0] > 0 }) else {
            self = .order(order)
            return
        }
        // Whatever is stuck waits for something stuck: going back from one must come around.
        var trail = [stuck]
        var position = [stuck: 0]
        while let source = producers[trail[trail.count - 1]].first(where: { waitingFor[$0] > 0 }) {
            if let start = position[source] {
                let cycle = Array(trail[start...].reversed())
                // From the one that the file names first.
                let first = cycle.indices.min { cycle[$0] < cycle[$1] } ?? 0
                self = .cycle(Array(cycle[first...] + cycle[..<first]))
                return
            }
            position[source] = trail.count
            trail.append(source)
        }
        self = .cycle(trail)
    }
}
