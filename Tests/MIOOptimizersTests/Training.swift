import MIOBase
import MIOOptimizers

/// The memory of one run of an optimizer: weights, slots, and a gradient that must stay as it was given.
final class Training<T: Scalar> {
    let optimizer: any Optimizer
    /// Elements before `offset` belong to somebody else: an update must not touch them, nor the one behind.
    let offset: Int
    let count: Int
    private let weightStorage: Storage<T>
    private let slotStorage: [Storage<T>]
    private let gradientStorage: Storage<T>
    var step = 0

    init(_ optimizer: any Optimizer, weights: [T], offset: Int = 0) {
        self.optimizer = optimizer
        self.offset = offset
        count = weights.count
        weightStorage = Storage(count: offset + count + 1)
        gradientStorage = Storage(count: offset + count + 1)
        slotStorage = optimizer.firstSlotValues.map { first in
            let slot = Storage<T>(count: offset + weights.count + 1)
            for index in offset..<offset + weights.count { slot.pointer[index] = T(first) }
            return slot
        }
        for (index, weight) in weights.enumerated() { weightStorage.pointer[offset + index] = weight }
    }

    private func values(_ storage: Storage<T>) -> [T] { Array(storage.buffer[offset..<offset + count]) }
    var weights: [T] { values(weightStorage) }
    var slots: [[T]] { slotStorage.map(values) }
    var gradient: [T] { values(gradientStorage) }

    /// Whether every element around the range is still 0.
    var surroundingsAreUntouched: Bool {
        ([weightStorage] + slotStorage).allSatisfy { storage in
            storage.buffer[..<offset].allSatisfy { $0 == 0 } && storage.buffer[offset + count] == 0
        }
    }

    func prepare(_ gradient: [T], scale: Double) -> (range: ParameterRange<T>, scalars: UpdateScalars) {
        for (index, element) in gradient.enumerated() { gradientStorage.pointer[offset + index] = element }
        let pointers = slotStorage.map(\.pointer)
        let slots = SlotPointers(
            pointers.first, pointers.dropFirst().first, pointers.dropFirst(2).first)
        let range = ParameterRange(
            count: count, weights: weightStorage.pointer + offset, gradient: gradientStorage.pointer + offset,
            slots: slots.advanced(by: offset), gradientScale: scale)
        defer { step += 1 }
        return (range, optimizer.makeUpdate(step: step))
    }

    /// One step of the plain update.
    func train(_ gradient: [T], scale: Double = 1) {
        let (range, scalars) = prepare(gradient, scale: scale)
        optimizer.update(range, with: scalars)
    }
}

extension Training<Float> {
    /// One step of the native update.
    func trainNatively(_ gradient: [Float], scale: Double = 1) {
        let (range, scalars) = prepare(gradient, scale: scale)
        optimizer.updateNative(range, with: scalars)
    }
}

/// Whether two numbers differ by at most `ulps` units in the last place of the larger, or of 1.
func isClose<T: Scalar>(_ a: [T], _ b: [T], ulps: T = 4) -> Bool {
    a.count == b.count
        && zip(a, b).allSatisfy { abs($0 - $1) <= ulps * T.ulpOfOne * max(abs($0), abs($1), 1) }
}
