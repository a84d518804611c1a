/// Words in which a step says how far it is, for whoever looks from outside of the process. The step stores there, and does
/// nothing else for it.
package struct StepMarks {
    /// How many buckets this rank has completed. The step does not set it back.
    package var buckets: UnsafeMutablePointer<UInt64>
    /// 1 while the rank waits, in the midst of its computing, for the other ranks' part of sums over the batch.
    package var waits: UnsafeMutablePointer<UInt64>

    package init(buckets: UnsafeMutablePointer<UInt64>, waits: UnsafeMutablePointer<UInt64>) {
        self.buckets = buckets
        self.waits = waits
    }
}
