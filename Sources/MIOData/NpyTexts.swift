import MIOBase

/// An array of texts in numpy's format, to be read as class numbers.
struct NpyTexts {
    let shape: Shape
    private let format: NpyTextFormat
    private let content: UnsafeRawBufferPointer
    private let place: String

    /// - Parameter bytes: header and elements; they must stay while the value is used.
    /// - Throws: `DataError` if the header does not fit, or the elements are no texts.
    init(_ bytes: UnsafeRawBufferPointer, place: String) throws {
        let header = try NpyHeader(parsing: bytes, readsTexts: true, place: place)
        guard case .texts(let format) = header.elements else {
            throw DataError(
                .unsupported, place,
                "classes: appearance numbers texts, and its elements are numbers (\(header.typeName)): remove classes, or "
                    + "list the classes' names in the order of their numbers")
        }
        try self.init(
            header, format, UnsafeRawBufferPointer(rebasing: bytes[header.size...]), place: place)
    }

    /// - Parameter content: the elements, `header.shape` of them.
    init(_ header: NpyHeader, _ format: NpyTextFormat, _ content: UnsafeRawBufferPointer, place: String)
        throws
    {
        guard !header.isFortranOrder else {
            throw DataError(
                .unsupported, place,
                "texts in column-major order; save them with numpy.ascontiguousarray(array)")
        }
        shape = header.shape
        self.format = format
        self.content = content
        self.place = place
    }

    /// Each element's position among the classes, as a float; NaN for an empty element and for the words that stand for
    /// nothing in CSV files, unless they are classes.
    /// - Throws: `DataError` for the first text that is no class; `FileError` if `scratch` has no room.
    func classNumbers(_ classes: [String], into scratch: ScratchStore) throws -> (
        bytes: UnsafeRawBufferPointer, owner: AnyObject
    ) {
        let positions = Dictionary(classes.enumerated().map { ($1, Float($0)) }) { first, _ in first }
        let count = shape.count
        let (size, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Float>.size)
        guard !overflow else { throw DataError(.badHeader, place, "more elements than any memory holds") }
        try scratch.checkRoom(for: size, place: place)
        let writer = try scratch.makeWriter(capacity: size)
        for index in 0..<count {
            let text = try text(index)
            var number = positions[text] ?? .nan
            if number.isNaN, !Self.isMissing(text) {
                throw DataError(
                    .badValue, "\(place), row \(row(ofElement: index))",
                    "the element is \(quoted: text), " + unknownClass(text, among: classes))
            }
            try withUnsafeBytes(of: &number) { try writer.append($0) }
        }
        return try writer.finish()
    }

    /// Adds the different texts, in order of appearance.
    func insert(into known: inout OrderedTexts) throws {
        for index in 0..<shape.count {
            let text = try text(index)
            if !Self.isMissing(text) { known.insert(text) }
        }
    }

    private func row(ofElement index: Int) -> Int {
        index / max(1, shape.dimensions.dropFirst().reduce(1, *))
    }

    private func text(_ index: Int) throws -> String {
        let start = index * format.size
        let element = UnsafeRawBufferPointer(rebasing: content[start..<start + format.size])
        guard let text = format.text(element) else {
            throw DataError(
                .badValue, "\(place), row \(row(ofElement: index))", "the element is no Unicode text")
        }
        return text
    }

    private static func isMissing(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 {
            CSVCell(UnsafeRawBufferPointer($0), decimal: UInt8(ascii: ".")) == .missing
        }
    }
}

/// What to say of a text that is none of the classes.
func unknownClass(_ text: String, among names: [String]) -> String {
    var what = "which is not one of its \(counted(names.count, "class", plural: "classes"))"
    if let near = nearestName(to: text, in: names) { what += "; the nearest is \(quoted: near)" }
    return what + "; they are " + listed(names, most: 12)
}
