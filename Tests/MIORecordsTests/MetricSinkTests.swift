import Foundation
import MIOBase
import MIORecords
import TestFolders
import Testing

@Suite struct JSONLinesSinkTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func step(_ step: Int, _ loss: Double = 0.5, event: String = "step") -> RunEvent {
        RunEvent(event: event, step: step, epoch: 0, values: [.init("loss", loss)])
    }

    private func lines() throws -> [String] {
        String(decoding: try folder.bytes(of: "m"), as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: false
        ).map(String.init)
    }

    @Test func aLineAnEvent() throws {
        let sink = try JSONLinesSink(path: folder.path("m"), keepingThrough: 0)
        try sink.write(
            RunEvent(
                event: "step", step: 10, epoch: 1,
                values: [
                    .init("loss", 0.1), .init("kind_accuracy", 1), .init("a", .nan), .init("b", .infinity),
                    .init("c", -.infinity), .init("learning_rate", 1e-7),
                ]))
        try sink.write(RunEvent(event: "resumed", step: 11, epoch: 1, values: []))
        try sink.close()
        #expect(
            try lines() == [
                "{\"event\": \"step\", \"step\": 10, \"epoch\": 1, \"loss\": 0.1, \"kind_accuracy\": 1.0, "
                    + "\"a\": \"NaN\", \"b\": \"Infinity\", \"c\": \"-Infinity\", \"learning_rate\": 1e-07}",
                "{\"event\": \"resumed\", \"step\": 11, \"epoch\": 1}", "",
            ])
    }

    @Test func resumingLeavesNeitherDuplicatesNorGaps() throws {
        var sink = try JSONLinesSink(path: folder.path("m"), keepingThrough: 0)
        for number in 1...5 { try sink.write(step(number)) }
        try sink.write(step(3, event: "epoch"))
        try sink.close()
        let old = try lines()
        // A kill in the middle of a write, and what a full disk leaves.
        _ = try folder.write(
            Array(
                (old[..<5] + ["{\"event\": \"st", old[5], "{\"event\": \"step\", \"st"]).joined(
                    separator: "\n"
                ).utf8),
            to: "m")
        sink = try JSONLinesSink(path: folder.path("m"), keepingThrough: 3)
        #expect(try lines() == [old[0], old[1], old[2], old[5], ""])
        // The epoch that ended at step 3 is there already; step 4 is new.
        try sink.write(step(3, event: "epoch"))
        try sink.write(step(3, event: "resumed"))
        try sink.write(step(4, 9))
        try sink.close()
        #expect(
            try lines() == [
                old[0], old[1], old[2], old[5],
                "{\"event\": \"resumed\", \"step\": 3, \"epoch\": 0, \"loss\": 0.5}",
                "{\"event\": \"step\", \"step\": 4, \"epoch\": 0, \"loss\": 9.0}", "",
            ])
        // What was half a line is kept apart.
        #expect(try folder.names() == ["m", "m.damaged"])
    }

    @Test func linesAreThereAfterAPush() throws {
        let sink = try JSONLinesSink(path: folder.path("m"), keepingThrough: 0)
        for number in 1...3 { try sink.write(step(number)) }
        try sink.push()
        #expect(try lines().count == 4)
        // Many are written without being asked for, whole ones only.
        for number in 4...2000 { try sink.write(step(number)) }
        let some = try lines()
        #expect(some.count > 1000)
        #expect(some.last == "")
        try sink.close()
        #expect(try lines().count == 2001)
    }

    @Test func startingOverDropsTheOldLines() throws {
        for _ in 0..<2 {
            let sink = try JSONLinesSink(path: folder.path("m"), keepingThrough: 0)
            try sink.write(step(1))
            try sink.close()
        }
        #expect(try lines().count == 2)
    }

    @Test func aFullDiskIsAnError() throws {
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("m"), withDestinationPath: "/dev/full")
        let error = #expect(throws: FileError.self) {
            try JSONLinesSink(path: folder.path("m"), keepingThrough: 0)
        }
        #expect(
            error?.description == "cannot read \(folder.path("m")): not a plain file but a character device")
    }
}

@Suite struct TensorBoardSinkTests {
    /// A batch's loss and an epoch's mean at the same step are two curves.
    @Test func valuesAreWrittenUnderKerasTags() throws {
        let folder = try TemporaryFolder()
        let sink = try TensorBoardSink(folder: folder.path, keepingThrough: 20)
        try sink.write(RunEvent(event: "step", step: 30, epoch: 0, values: [.init("loss", 0.5)]))
        try sink.write(
            RunEvent(
                event: "epoch", step: 30, epoch: 0, values: [.init("loss", 0.5), .init("val_loss", 0.5)]))
        try sink.write(RunEvent(event: "stopped", step: 30, epoch: 0, values: []))
        try sink.close()
        let names = try folder.names()
        #expect(names.count == 1)
        let bytes = try folder.bytes(of: names[0])
        // The restart at step 21 and two events: their step, then tags and values.
        #expect(bytes.ranges(of: [0x10, 21, 0x3A, 2, 0x08, 1]).count == 1)
        #expect(bytes.ranges(of: [0x10, 30, 0x2A]).count == 2)
        for tag in ["batch_loss", "epoch_loss", "epoch_val_loss"] {
            let tagged = [0x0A, UInt8(tag.utf8.count)] + Array(tag.utf8) + [0x15, 0, 0, 0, 0x3F]
            #expect(bytes.ranges(of: tagged).count == 1, "\(tag)")
        }
    }
}

@Suite struct ConsoleSinkTests {
    /// What a sink writes for some events, the clock showing `times` in turn.
    private func output(isTerminal: Bool, everySteps: Int, times: [Double], _ events: [RunEvent]) throws
        -> String
    {
        let pipe = Pipe()
        var rest = times[...]
        let sink = ConsoleSink(
            descriptor: pipe.fileHandleForWriting.fileDescriptor, isTerminal: isTerminal,
            extent: .init(epochs: 2, stepsPerEpoch: 100), everySteps: everySteps,
            clock: { rest.popFirst() ?? -1 })
        for event in events { sink.write(event) }
        sink.close()
        try pipe.fileHandleForWriting.close()
        return String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    }

    private func step(_ step: Int, epoch: Int, rate: Double = 1234.4) -> RunEvent {
        RunEvent(
            event: "step", step: step, epoch: epoch,
            values: [
                .init("loss", 0.52344), .init("learning_rate", 1e-3), .init("samples_per_second", rate),
                .init("kind_accuracy", 1),
            ])
    }

    @Test func plainLinesOneAnInterval() throws {
        let text = try output(
            isTerminal: false, everySteps: 10, times: [0, 1, 2, 45, 46],
            [
                step(10, epoch: 0), step(15, epoch: 0), step(20, epoch: 0, rate: 9.87), step(110, epoch: 1),
                RunEvent(event: "epoch", step: 200, epoch: 1, values: [.init("val_loss", .nan)]),
            ])
        // 2 s for 10 steps leave 36 s for 180; 45 s for 100 leave 40.5 s for 90.
        #expect(
            text == """
                epoch 1/2  10/100  1234 samples/s  loss 0.5234  kind_accuracy 1
                epoch 1/2  20/100  9.9 samples/s  0:36 left  loss 0.5234  kind_accuracy 1
                epoch 2/2  10/100  1234 samples/s  0:41 left  loss 0.5234  kind_accuracy 1
                epoch 2/2 done  step 200  val_loss nan

                """)
    }

    @Test func aTerminalsLineIsRewritten() throws {
        let text = try output(
            isTerminal: true, everySteps: 10, times: [0, 0.05, 3600, 3601],
            [
                step(1, epoch: 0), step(2, epoch: 0), step(100, epoch: 0),
                RunEvent(event: "epoch", step: 100, epoch: 0, values: [.init("loss", 0.25)]),
            ])
        // 3600 s for 99 steps leave 3636 s for 100; the line ends before the 80th column.
        #expect(
            text == "\repoch 1/2  1/100  1234 samples/s  loss 0.5234  kind_accuracy 1\u{1B}[K"
                + "\repoch 1/2  100/100  1234 samples/s  1:00:36 left  loss 0.5234  kind_accuracy 1\u{1B}[K"
                + "\r\u{1B}[Kepoch 1/2 done  step 100  loss 0.25\n")
    }

    /// Ctrl-S, or a pipe that nobody empties: the run goes on, and the end of an epoch is told afterwards.
    @Test func aReaderThatPausesHoldsNothingUp() throws {
        let pipe = Pipe()
        let (reading, writing) = (
            pipe.fileHandleForReading.fileDescriptor, pipe.fileHandleForWriting.fileDescriptor
        )
        let flags = fcntl(writing, F_GETFL)
        _ = fcntl(writing, F_SETFL, flags | O_NONBLOCK)
        let page = [UInt8](repeating: 0x2E, count: 4096)
        while write(writing, page, page.count) > 0 {}
        _ = fcntl(writing, F_SETFL, flags)
        var now = 0.0
        let sink = ConsoleSink(
            descriptor: writing, isTerminal: false, extent: .init(epochs: 2, stepsPerEpoch: 100),
            everySteps: 1,
            clock: {
                now += 1
                return now
            })
        sink.write(RunEvent(event: "epoch", step: 100, epoch: 0, values: []))
        for number in 101...103 { sink.write(step(number, epoch: 1)) }
        _ = fcntl(reading, F_SETFL, fcntl(reading, F_GETFL) | O_NONBLOCK)
        var buffer = page
        while read(reading, &buffer, buffer.count) > 0 {}
        sink.write(step(104, epoch: 1))
        sink.close()
        try pipe.fileHandleForWriting.close()
        let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        let lines = text.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first == "epoch 1/2 done  step 100")
        #expect(lines.last?.hasPrefix("epoch 2/2  4/100  ") == true)
    }

    @Test func aReaderThatLeftEndsTheDisplayOnly() throws {
        let sink = ConsoleSink(
            descriptor: -1, isTerminal: false, extent: .init(epochs: 1, stepsPerEpoch: 1), everySteps: 1)
        sink.write(step(1, epoch: 0))
        sink.write(step(2, epoch: 0))
        sink.close()
    }
}
