import MIOBase

/// How a tensor's samples lie in memory. Outside of a plan everything is canonical.
package enum Layout: Hashable, Sendable {
    /// Keras' shape in row-major order.
    case canonical
    /// (height, width, channels) as [channels / block][height][width][block], the last block padded with
    /// zeros: what convolutions are fastest on.
    case channelBlocked(block: Int)
    /// A vector that is a channel-blocked image of this shape, flattened where it lies.
    case flattenedBlocked(image: Shape, block: Int)

    /// Elements one sample of `shape` takes.
    package func elements(of shape: Shape) -> Int {
        switch self {
        case .canonical: shape.count
        case .channelBlocked(let block): Self.blockedElements(shape, block)
        case .flattenedBlocked(let image, let block): Self.blockedElements(image, block)
        }
    }

    private static func blockedElements(_ image: Shape, _ block: Int) -> Int {
        image[0] * image[1] * ((image[2] + block - 1) / block * block)
    }

    /// Where each element of a canonical image lies in a blocked one: visits (canonical, blocked) offsets.
    package static func forEachBlocked(_ image: Shape, block: Int, _ body: (Int, Int) -> Void) {
        let (pixels, channels) = (image[0] * image[1], image[2])
        for channel in 0..<channels {
            let base = channel / block * pixels * block + channel % block
            for pixel in 0..<pixels { body(pixel * channels + channel, base + pixel * block) }
        }
    }
}

extension Layout: CustomStringConvertible {
    package var description: String {
        switch self {
        case .canonical: "canonical"
        case .channelBlocked(let block): "channels blocked by \(block)"
        case .flattenedBlocked(let image, let block): "\(image) blocked by \(block), flattened"
        }
    }
}
