import MIOBase

/// An array that a call writes into, between two guards that it must leave alone.
final class Memory<T: Scalar> {
    private static var guarding: Int { 16 }
    private let storage: Storage<T>
    let count: Int
    var pointer: UnsafeMutablePointer<T> { storage.pointer + Self.guarding }
    var reading: UnsafePointer<T> { UnsafePointer(pointer) }

    init(_ values: [T]) {
        count = values.count
        storage = Storage(count: count + 2 * Self.guarding)
        storage.fill(Self.sentinel)
        for (index, value) in values.enumerated() { pointer[index] = value }
    }

    /// Memory that holds no number yet.
    convenience init(count: Int) { self.init([T](repeating: .nan, count: count)) }

    /// Whole numbers as tensors of integers have them: four bytes each, from the beginning.
    init(integers: [Double]) {
        count = integers.count
        storage = Storage(count: count + 2 * Self.guarding)
        storage.fill(Self.sentinel)
        let target = UnsafeMutableRawPointer(storage.pointer + Self.guarding)
            .assumingMemoryBound(to: Int32.self)
        for (index, value) in integers.enumerated() { target[index] = Int32(value) }
    }

    private static var sentinel: T { T(-12_345.75) }

    var values: [T] { (0..<count).map { pointer[$0] } }

    /// Whether nothing was written before or behind the array.
    var isIntact: Bool {
        storage.buffer.prefix(Self.guarding).allSatisfy { $0 == Self.sentinel }
            && storage.buffer.suffix(Self.guarding).allSatisfy { $0 == Self.sentinel }
    }
}
