import MIOTrace
import Testing

@Suite struct TimelineTests {
    @Test func recordsOnlyTheStepsAskedFor() {
        let timeline = Timeline(capacity: 10, steps: 2...3)
        let name = timeline.add(.init("work", .forward, layer: "a"))
        for step in 1...4 {
            timeline.begin(step: step)
            let start = timeline.now
            #expect((start > 0) == (2...3).contains(step))
            timeline.record(name, from: start, samples: 5)
        }
        #expect(timeline.events.map(\.step) == [2, 3])
        #expect(timeline.events.allSatisfy { $0.samples == 5 && $0.start <= $0.end })
        #expect(timeline.events[0].end <= timeline.events[1].start)
        #expect(timeline[timeline.events[0].name].layer == "a")
        #expect(timeline.dropped == 0)
    }

    /// Room for five events, three a step: the second step does not fit and is left out as a whole.
    @Test func aFullTimelineKeepsWholeSteps() {
        let timeline = Timeline(capacity: 5, steps: 1...3)
        let name = timeline.add(.init("work", .forward))
        for step in 1...3 {
            timeline.begin(step: step)
            for _ in 0..<3 { timeline.record(name, from: timeline.now) }
        }
        #expect(timeline.events.map(\.step) == [1, 1, 1])
        #expect(timeline.dropped == 6)
    }

    @Test func aPauseIsOneEvent() {
        let timeline = Timeline(capacity: 5, steps: 1...2)
        let (inner, outer) = (timeline.add(.init("pass", .forward)), timeline.add(.init("all", .validation)))
        timeline.begin(step: 1)
        let start = timeline.now
        timeline.pause(true)
        timeline.record(inner, from: timeline.now)
        timeline.pause(false)
        timeline.record(outer, from: start)
        #expect(timeline.events.map { timeline[$0.name].text } == ["all"])
        #expect(timeline.dropped == 0)
    }
}
