import Foundation
import MIOBase
import MIOFiles

/// Appends scalars to a TensorBoard event file, a record an event, whole records in a `write(2)`.
///
/// A record is its length (u64), the masked CRC-32C of the length, the data, the masked CRC-32C of the data;
/// the data is an `Event` in protobuf's encoding, of which six fields are needed, written by hand:
/// https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto
package struct TensorBoardWriter: ~Copyable {
    package let path: String
    private let file: OpenFile
    /// Records that are not in the file yet.
    private var pending: [UInt8] = []
    private static let mostPending = 1 << 15
    /// The messages of an event, kept so that the next one finds their memory.
    private var entry = ProtobufMessage()
    private var summary = ProtobufMessage()
    private var event = ProtobufMessage()

    /// Opens `events.out.tfevents.<unix seconds>.<host>.<process>` in `folder`; a new file begins with the
    /// record that names the format's version.
    ///
    /// - Parameter time: seconds since 1970, for the name and the first record.
    /// - Throws: `FileError`.
    package init(folder: String, time: Double = Date().timeIntervalSince1970) throws(FileError) {
        let path = Folder.join(
            folder, "events.out.tfevents.\(Int(time)).\(Self.hostName()).\(getpid())")
        let file = try OpenFile(path, .appending)
        if try file.size() == 0 {
            var event = ProtobufMessage()
            event.append(field: 1, time)
            event.append(field: 3, "brain.Event:2")
            var record: [UInt8] = []
            Self.append(record: event.bytes, to: &record)
            try file.write(record)
        }
        self.path = path
        self.file = consume file
    }

    /// The values of some tags at one step; in the file after `push`, `flush` or `close` at the latest.
    ///
    /// - Parameters:
    ///   - values: TensorBoard keeps 32-bit floats: a `Double` is rounded, an infinity or a NaN stays one.
    ///   - time: seconds since 1970.
    package mutating func write(
        step: Int, _ values: [(tag: String, value: Double)], time: Double = Date().timeIntervalSince1970
    ) throws(FileError) {
        summary.removeAll()
        for (tag, value) in values {
            entry.removeAll()
            entry.append(field: 1, tag)
            entry.append(field: 2, Float(value))
            summary.append(field: 1, entry.bytes)
        }
        event.removeAll()
        event.append(field: 1, time)
        event.append(field: 2, step)
        event.append(field: 5, summary.bytes)
        try append(event)
    }

    /// Tells TensorBoard that the run starts again at `step`: it forgets what older files of the folder say
    /// of this step and later ones (a `SessionLog` with status START).
    package mutating func writeRestart(step: Int, time: Double = Date().timeIntervalSince1970)
        throws(FileError)
    {
        var session = ProtobufMessage()
        session.append(field: 1, 1)
        var event = ProtobufMessage()
        event.append(field: 1, time)
        event.append(field: 2, step)
        event.append(field: 7, session.bytes)
        try append(event)
    }

    private mutating func append(_ event: ProtobufMessage) throws(FileError) {
        Self.append(record: event.bytes, to: &pending)
        if pending.count >= Self.mostPending { try push() }
    }

    /// Gives everything written to the system. What a failed write did not take is dropped.
    package mutating func push() throws(FileError) {
        guard !pending.isEmpty else { return }
        let bytes = pending
        pending.removeAll(keepingCapacity: true)
        try file.write(bytes)
    }

    /// Returns when what was written is on the disk.
    package mutating func flush() throws(FileError) {
        try push()
        try file.synchronize()
    }

    package consuming func close() throws(FileError) {
        try push()
        try file.close()
    }

    private static func append(record data: [UInt8], to bytes: inout [UInt8]) {
        let length = UInt64(data.count)
        bytes.append(littleEndian: length)
        bytes.append(littleEndian: withUnsafeBytes(of: length.littleEndian) { CRC32C.masked($0) })
        bytes.append(contentsOf: data)
        bytes.append(littleEndian: CRC32C.masked(data))
    }

    private static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        // The last byte stays zero whatever the length; a failure leaves the name empty.
        gethostname(&buffer, 255)
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty ? "localhost" : name
    }
}

/// The fields of one message, in the encoding of https://protobuf.dev/programming-guides/encoding.
private struct ProtobufMessage {
    private(set) var bytes: [UInt8] = []

    mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    private mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func append(key field: UInt64, wireType: UInt64) {
        append(varint: field << 3 | wireType)
    }

    mutating func append(field: UInt64, _ value: Int) {
        append(key: field, wireType: 0)
        append(varint: UInt64(bitPattern: Int64(value)))
    }

    mutating func append(field: UInt64, _ value: Double) {
        append(key: field, wireType: 1)
        bytes.append(littleEndian: value.bitPattern)
    }

    mutating func append(field: UInt64, _ value: Float) {
        append(key: field, wireType: 5)
        bytes.append(littleEndian: value.bitPattern)
    }

    mutating func append(field: UInt64, _ value: String) {
        append(key: field, wireType: 2)
        append(varint: UInt64(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    /// A message.
    mutating func append(field: UInt64, _ value: [UInt8]) {
        append(key: field, wireType: 2)
        append(varint: UInt64(value.count))
        bytes += value
    }
}
