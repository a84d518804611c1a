/// Which of several ways each convolution, each large product and each segment of images takes, as it was measured: a
/// value, so that equal graphs, requests and tunings give equal plans.
///
/// Rank 0 measures or remembers; the others get its bytes.
package struct Tuning: Hashable, Sendable {
    /// By what the convolution is, and the pass.
    package private(set) var picks: [String: ConvolutionCandidate] = [:]
    /// In which numbers a Dense multiplies, by what it is, and the pass.
    package private(set) var products: [String: ProductCandidate] = [:]
    /// The way of the segment that a convolution is in, by the segment's digest and the convolution's name.
    package private(set) var segments: [String: SegmentCandidate] = [:]
    /// The same by the convolution's name alone, for a tuning that was made for one plan.
    private var segmentOfLayer: [String: SegmentCandidate] = [:]
    /// Taken where it is possible, whatever was measured.
    private var always: ConvolutionCandidate?
    private var alwaysProduct: ProductCandidate?
    private var alwaysSegment: SegmentCandidate?

    package init() {}

    /// Every convolution's every pass in one way, where oneDNN has it; every product and every segment likewise.
    package init(
        always candidate: ConvolutionCandidate?, product: ProductCandidate? = nil,
        segment: SegmentCandidate? = nil
    ) {
        always = candidate
        alwaysProduct = product
        alwaysSegment = segment
    }

    package init(picks: [String: ConvolutionCandidate]) { self.picks = picks }

    /// Takes over another's picks, also where it has one itself.
    package mutating func prefer(_ other: Tuning) {
        picks.merge(other.picks) { $1 }
        products.merge(other.products) { $1 }
        segments.merge(other.segments) { $1 }
        segmentOfLayer.merge(other.segmentOfLayer) { $1 }
    }

    func pick(_ key: String, _ pass: ConvolutionPass) -> ConvolutionCandidate? {
        always ?? picks[Self.key(key, pass)]
    }

    mutating func set(_ candidate: ConvolutionCandidate, _ key: String, _ pass: ConvolutionPass) {
        picks[Self.key(key, pass)] = candidate
    }

    func product(_ key: String, _ pass: ConvolutionPass) -> ProductCandidate? {
        alwaysProduct ?? products[Self.key(key, pass)]
    }

    mutating func set(_ candidate: ProductCandidate, _ key: String, _ pass: ConvolutionPass) {
        products[Self.key(key, pass)] = candidate
    }

    /// The way of the segment that a convolution is in, in a tuning that was made for one plan.
    func segment(ofLayer name: String) -> SegmentCandidate? {
        alwaysSegment ?? segmentOfLayer[ImageSegment.escaped(name)]
    }

    func segment(_ key: String) -> SegmentCandidate? { alwaysSegment ?? segments[key] }

    mutating func set(_ candidate: SegmentCandidate, _ key: String) {
        segments[key] = candidate
        if let layer = ImageSegment.layer(ofKey: key) { segmentOfLayer[layer] = candidate }
    }

    private static func key(_ key: String, _ pass: ConvolutionPass) -> String { "\(key), \(pass.rawValue)" }

    // MARK: For files and other ranks

    /// Each pick by the name of its key.
    package var entries: [String: String] {
        picks.mapValues(\.rawValue)
            .merging(products.mapValues(\.rawValue)) { $1 }
            .merging(segments.mapValues(\.rawValue)) { $1 }
    }

    /// The tuning whose `entries` these are; those it does not know are left out.
    package init(entries: [String: String]) {
        for (key, name) in entries.sorted(by: { $0.key < $1.key }) {
            if key.hasPrefix(ImageSegment.prefix) {
                if let candidate = SegmentCandidate(rawValue: name) { set(candidate, key) }
            } else if key.hasPrefix(ProductCandidate.prefix) {
                products[key] = ProductCandidate(rawValue: name)
            } else {
                picks[key] = ConvolutionCandidate(rawValue: name)
            }
        }
    }

    /// One line a pick.
    package var bytes: [UInt8] {
        let lines = entries.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)\n" }
        return Array(lines.joined().utf8)
    }

    /// The tuning whose `bytes` these are; lines it does not know are left out.
    package init(bytes: [UInt8]) {
        var entries: [String: String] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
            if parts.count == 2 { entries[parts[1]] = parts[0] }
        }
        self.init(entries: entries)
    }
}
