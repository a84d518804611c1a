import MIOTrace

/// The names that the parts of a step have on a timeline, beside the layers' operations.
///
/// A step's parts lie one after another inside of it; what none of them covers is between them.
package final class StepTimeline {
    /// What a rank does beside computing layers and losses.
    package enum Part: Int, CaseIterable, Sendable {
        case step, inputs, lanes, stage, activities, labels, progress, tree, sum, finish, update,
            publish, data, records
        case checkpoint, validation

        fileprivate var facts: Timeline.Facts {
            switch self {
            case .step: .init("step", .step)
            case .inputs: .init("load inputs", .inputs)
            case .lanes: .init("wait for threads", .threads)
            case .stage: .init("add up over the batch", .ranks)
            case .activities: .init("terms of layers' results", .loss)
            case .labels: .init("count labels", .labels)
            case .progress: .init("add up gradients", .reduction)
            case .tree: .init("add up shards", .reduction)
            case .sum: .init("wait for gradients", .ranks)
            case .finish: .init("finish adding up gradients", .reduction)
            case .update: .init("update weights", .update)
            case .publish: .init("wait for updates", .ranks)
            case .data: .init("wait for data", .data)
            case .records: .init("records", .records)
            case .checkpoint: .init("take a checkpoint", .checkpoint)
            case .validation: .init("validation", .validation)
            }
        }
    }

    package let timeline: Timeline
    private let names: [Timeline.Name]
    private let outputs: [Timeline.Name]

    init(_ timeline: Timeline, replica: Replica, bytesOfUpdate: Int) {
        self.timeline = timeline
        names = Part.allCases.map { part in
            var facts = part.facts
            if part == .update { facts.fixedBytes = bytesOfUpdate }
            return timeline.add(facts)
        }
        outputs = replica.trainedOutputs.map { output in
            timeline.add(.init("\(output.specification.name) loss", .loss))
        }
    }

    /// When a part begins; 0 while nothing is recorded.
    package var now: UInt64 { timeline.now }

    /// Records a part that ends now.
    package func record(_ part: Part, from start: UInt64, samples: Int = 0) {
        timeline.record(names[part.rawValue], from: start, samples: samples)
    }

    func record(output: Int, from start: UInt64, samples: Int) {
        timeline.record(outputs[output], from: start, samples: samples)
    }
}
