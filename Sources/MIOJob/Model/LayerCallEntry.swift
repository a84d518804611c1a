import MIOConfig
import MIOGraph

/// A layer and its first call, or another call of a layer: one item of `model.layers` of a job file.
///
/// With `training: false` the call computes in training too what it does in prediction. `mask: false` lets it know of no masks;
/// with `mask: unread` it reads none and passes them on. A wrapper has the layer that it wraps under `layer`, and other items
/// call it by `layer_name`.
///
/// - `class`: the layer's class; required without `layer`.
/// - `layer`: the name of a layer of another item: this call shares its weights.
/// - `trainable`: whether training changes the layer's weights.
struct LayerCallEntry {
    let path: ConfigPath
    /// The call's name, by which others take its result.
    let name: String
    /// The layer's name; the call's unless `layer` says another.
    let layerName: String
    /// The names it takes its inputs from, and where they are written.
    let inputs: [(name: String, path: ConfigPath)]
    /// Whether the call computes in training what it does in prediction.
    let isInference: Bool
    let callMasks: CallMasks
    private let className: String?
    private let arguments: ConfigReader

    /// - Throws: `ConfigError`: a key is missing, or unknown where the layer is another entry's.
    init(_ entry: ConfigReader) throws(ConfigError) {
        var reader = entry
        path = reader.path
        name = try reader.string("name")
        guard !name.isEmpty else { throw reader.error("name", "expected a name, found an empty one") }
        // A mapping is the layer inside a wrapper, whose own name is then `layer_name`.
        let holdsLayer = if case .dictionary? = reader.value("layer") { true } else { false }
        let shared = try reader.optionalString(holdsLayer ? "layer_name" : "layer")
        layerName = shared ?? name
        className =
            shared == nil || holdsLayer ? try reader.string("class") : try reader.optionalString("class")
        if className == "InputLayer" {
            throw reader.error("class", "inputs are not layers here; declare them under model.inputs")
        }
        let place = path.appending("inputs")
        reader.describe("inputs", "a name, or a list of names")
        if case .string(let one) = try reader.required("inputs") {
            inputs = [(one, place)]
        } else {
            inputs = try reader.strings("inputs").enumerated().map { ($1, place.appending(index: $0)) }
        }
        guard !inputs.isEmpty else { throw reader.error("inputs", "expected at least one name, found none") }
        // Keras' argument of a call, which is null or false there.
        switch reader.unlisted("training") {
        case nil: isInference = false
        case .boolean(false)?: isInference = true
        default:
            throw reader.error(
                "training", "expected false, or nothing: the layer then does what the model does")
        }
        switch reader.unlisted("mask") {
        case nil: callMasks = .ofLayer
        case .boolean(false)?: callMasks = .none
        case "unread"?: callMasks = .unread
        default:
            throw reader.error(
                "mask", "expected false, unread, or nothing: the call then heeds masks as its layer does")
        }
        if className == nil { try reader.finish() }
        arguments = reader
    }

    /// The layer that this entry defines; `nil` if it calls another entry's again.
    /// - Throws: `ConfigError`: an unknown class or argument, a bad value.
    func makeLayer() throws(ConfigError) -> (any Layer)? {
        guard let className else { return nil }
        var reader = layerName == name ? arguments : arguments.replacing("name", with: .string(layerName))
        return try LayerReading.layer(className, &reader)
    }
}
