/// Where a program that counts allocations reads the calling thread's counts.
///
/// This module counts nothing itself: that takes a definition of `malloc`, which only programs that measure link.
public struct AllocationCounter {
    /// All of them so far.
    public let total: () -> Int
    /// Those of them that happened inside oneDNN, whose own they are.
    public let inOneDNN: () -> Int

    public init(total: @escaping () -> Int, inOneDNN: @escaping () -> Int) {
        self.total = total
        self.inOneDNN = inOneDNN
    }
}
