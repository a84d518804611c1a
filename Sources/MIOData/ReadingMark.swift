/// Where this process says which shard it reads, for whoever looks from outside of it: a word in memory.
package enum ReadingMark {
    /// 1 + the number of the shard, counted on over the run's data sets; 0 while none is read. Memory of its own unless
    /// `set` names other; set once, before the first data set is opened.
    private(set) nonisolated(unsafe) static var place: UnsafeMutablePointer<UInt64> = {
        let word = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
        word.initialize(to: 0)
        return word
    }()

    /// - Parameter place: stays valid.
    package static func set(_ place: UnsafeMutablePointer<UInt64>) { self.place = place }
}
