/// Where a program that counts allocations reads the calling thread's counts.
///
/// This module counts nothing itself: that takes a definition of `malloc`, which only programs that measure link.
package struct AllocationCounter {
    /// All of them so far.
    package let total: () -> Int
    /// Those of them that happened inside oneDNN, whose own they are.
    package let inOneDNN: () -> Int

    package init(total: @escaping () -> Int, inOneDNN: @escaping () -> Int) {
        self.total = total
        self.inOneDNN = inOneDNN
    }
}
