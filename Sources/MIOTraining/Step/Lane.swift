import MIOBase
import MIOKernels
import MIOPlan
import Synchronization

/// What one thread of a rank computes with: values and gradients of its own, and the outputs. The lanes of a replica share
/// its weights.
///
/// At any time it belongs to one thread.
package final class Lane {
    /// The memory of passes that are under way at the same time: one frame, but in a step of several stages one for each
    /// pass of the lane.
    @exclusivity(unchecked) private(set) var frames: [Frame]
    /// Of the step at hand: how many of the plan's buckets hold all that this lane adds to them.
    let completedBuckets = Atomic(0)

    init(_ frame: Frame) { frames = [frame] }

    package var executor: Executor { frames[0].executor }

    /// Makes as many frames as are wanted, if there are fewer.
    func makeFrames(_ count: Int, _ make: (_ index: Int) throws -> Frame) rethrows {
        while frames.count < count { frames.append(try make(frames.count)) }
    }
}
