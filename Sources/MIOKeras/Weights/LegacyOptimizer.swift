/// The variables of `optimizers.legacy`, which are all that TensorFlow 2.10 and before has: `Adam/dense/kernel/m:0`.
enum LegacyOptimizer {
    /// Slots of which Keras 3 has both of one weight before those of the next.
    private static let pairs = [["m", "v"], ["accum_grad", "accum_var"], ["accumulator", "linear"]]

    /// Names of an optimizer's variables in the order in which Keras 3 has such variables: the count of updates, the slots, the
    /// numbers that are of no weight. Those of newer optimizers stay as they are.
    ///
    /// An optimizer of before has a slot of all weights before the next slot: m of all, then v of all.
    static func ordered(_ names: [String]) -> [String] {
        guard let first = names.first, slot(first) == "iter" else { return names }
        var order: [String] = []
        var bySlot: [String: [String]] = [:]
        var numbers: [String] = []
        for name in names.dropFirst() {
            let slot = slot(name)
            if slot == "momentum_cache" {
                numbers.append(name)
                continue
            }
            if bySlot[slot] == nil { order.append(slot) }
            bySlot[slot, default: []].append(name)
        }
        var ordered = [first]
        while !order.isEmpty {
            let slot = order.removeFirst()
            let slots = bySlot[slot] ?? []
            guard let pair = pairs.first(where: { $0[0] == slot }), let other = bySlot[pair[1]],
                other.count == slots.count
            else {
                ordered += slots
                continue
            }
            order.removeAll { $0 == pair[1] }
            for (a, b) in zip(slots, other) { ordered += [a, b] }
        }
        return ordered + numbers
    }

    /// What a variable is: `m` of `Adam/dense/kernel/m:0`, and of `Adam/dense/kernel/m_1:0`.
    private static func slot(_ name: String) -> String {
        let last = name.split(separator: "/").last ?? ""
        let word = last.prefix { $0 != ":" }
        guard let line = word.lastIndex(of: "_"), line != word.startIndex else { return String(word) }
        let number = word[word.index(after: line)...]
        let isNumber = !number.isEmpty && number.allSatisfy { $0.isASCII && $0.isNumber }
        return String(isNumber ? word[..<line] : word)
    }
}
