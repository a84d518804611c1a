import CCairo
import MIOBase

/// A colour by its red, green and blue, from 0 to 1.
struct Colour {
    let red, green, blue: Double

    static let paper = Colour(red: 0.98, green: 0.98, blue: 0.97)
    static let ink = Colour(red: 0.13, green: 0.14, blue: 0.17)
    static let pencil = Colour(red: 0.45, green: 0.46, blue: 0.5)
    static let truth = Colour(red: 0.16, green: 0.75, blue: 0.35)
    static let prediction = Colour(red: 1, green: 0.55, blue: 0.1)
    static let mistake = Colour(red: 0.82, green: 0.16, blue: 0.16)
}

/// A picture being drawn, in pixels from the upper left corner; a thin layer over cairo.
/// <https://www.cairographics.org/manual/>
///
/// Cairo remembers its first error, and `write(to:)` reports it.
final class Drawing {
    private let surface: OpaquePointer
    private let context: OpaquePointer

    init(width: Int32, height: Int32) {
        // These never return NULL: what failed is in the object's status.
        surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height)
        context = cairo_create(surface)
        set(.paper)
        cairo_paint(context)
    }

    deinit {
        cairo_destroy(context)
        cairo_surface_destroy(surface)
    }

    private func set(_ colour: Colour) {
        cairo_set_source_rgb(context, colour.red, colour.green, colour.blue)
    }

    enum Alignment: Double {
        case left = 0
        case centre = 0.5
        case right = 1
    }

    /// A line of text with its baseline at `y`.
    func text(
        _ text: String, x: Double, y: Double, size: Double, colour: Colour, bold: Bool = false,
        alignment: Alignment = .left
    ) {
        cairo_select_font_face(
            context, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
            bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL)
        cairo_set_font_size(context, size)
        var extents = cairo_text_extents_t()
        cairo_text_extents(context, text, &extents)
        set(colour)
        cairo_move_to(context, x - extents.x_advance * alignment.rawValue, y)
        cairo_show_text(context, text)
    }

    /// The outline of a rectangle.
    func frame(x: Double, y: Double, width: Double, height: Double, thickness: Double, colour: Colour) {
        set(colour)
        cairo_set_line_width(context, thickness)
        cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND)
        cairo_rectangle(context, x, y, width, height)
        cairo_stroke(context)
    }

    /// A square grey image, enlarged to `size`.
    /// - Parameter pixels: side × side, from 0 to 1, row by row.
    /// - Throws: `FileError` if cairo finds no memory.
    func image(_ pixels: [Float], side: Int, x: Double, y: Double, size: Double) throws(FileError) {
        let picture = cairo_image_surface_create(CAIRO_FORMAT_RGB24, Int32(side), Int32(side))
        defer { cairo_surface_destroy(picture) }
        try check(cairo_surface_status(picture))
        guard let data = cairo_image_surface_get_data(picture) else {
            return try check(CAIRO_STATUS_NO_MEMORY)
        }
        let stride = Int(cairo_image_surface_get_stride(picture))
        cairo_surface_flush(picture)
        for row in 0..<side {
            for column in 0..<side {
                let grey = UInt32(min(max(pixels[row * side + column], 0), 1) * 255)
                (data + row * stride + column * 4).withMemoryRebound(to: UInt32.self, capacity: 1) {
                    $0.pointee = grey << 16 | grey << 8 | grey
                }
            }
        }
        cairo_surface_mark_dirty(picture)
        cairo_save(context)
        cairo_rectangle(context, x, y, size, size)
        cairo_clip(context)
        cairo_translate(context, x, y)
        cairo_scale(context, size / Double(side), size / Double(side))
        cairo_set_source_surface(context, picture, 0, 0)
        cairo_pattern_set_filter(cairo_get_source(context), CAIRO_FILTER_BILINEAR)
        // Without this the outermost half pixel would fade into the paper.
        cairo_pattern_set_extend(cairo_get_source(context), CAIRO_EXTEND_PAD)
        cairo_paint(context)
        cairo_restore(context)
    }

    /// - Throws: `FileError` if anything was not drawn, or the file cannot be written.
    func write(to path: String) throws(FileError) {
        cairo_surface_flush(surface)
        try check(cairo_status(context), path)
        try check(cairo_surface_status(surface), path)
        try check(cairo_surface_write_to_png(surface, path), path)
    }

    private func check(_ status: cairo_status_t, _ path: String = "the picture") throws(FileError) {
        guard status == CAIRO_STATUS_SUCCESS else {
            throw FileError(
                action: "draw", path: path, reason: String(cString: cairo_status_to_string(status)))
        }
    }
}
