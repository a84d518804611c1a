import MIOConfig

/// Names of activations, and how configurations write them.
extension Activation: CaseIterable {
    /// Keras' other names.
    private static let otherNames: [(activation: Activation, name: String)] = [
        (.silu, "swish"), (.hardSilu, "hard_swish"),
    ]

    /// Those that have a name: the functions of `keras.activations` with their default arguments.
    public static let allCases: [Activation] = [
        .linear, .relu, .sigmoid, .softmax, .tanh, .elu, .exponential, .gelu, .hardSigmoid, .leakyRelu, .mish,
        .relu6, .selu, .silu, .softplus, .softsign, .celu, .hardShrink, .hardSilu, .hardTanh, .logSigmoid,
        .logSoftmax, .softShrink, .sparsePlus, .sparseSigmoid, .sparsemax, .squareplus, .tanhShrink,
    ]

    /// The function with these arguments: one that has a name, where they are its defaults.
    public init(_ form: ActivationForm) {
        self =
            switch form {
            case .leaky(slope: 0.2): .leakyRelu
            case .rectified(slope: 0, most: nil, threshold: 0): .relu
            case .rectified(slope: 0, most: 6, threshold: 0): .relu6
            case .rectified(let slope, most: nil, threshold: 0): .form(.leaky(slope: slope))
            case .elu(alpha: 1): .elu
            default: Self.allCases.first { $0.elementForm == form } ?? .form(form)
            }
    }

    /// Keras' name, or another one that it knows; `nil` for others.
    public init?(rawValue: String) {
        let named = Self.allCases.first { $0.rawValue == rawValue }
        guard let found = named ?? Self.otherNames.first(where: { $0.name == rawValue })?.activation else {
            return nil
        }
        self = found
    }

    /// Keras' name: of a form, that of the function or layer that has its arguments.
    public var rawValue: String {
        switch self {
        case .form(let form): form.named.name
        case .linear: "linear"
        case .relu: "relu"
        case .sigmoid: "sigmoid"
        case .softmax: "softmax"
        case .tanh: "tanh"
        case .elu: "elu"
        case .exponential: "exponential"
        case .gelu: "gelu"
        case .hardSigmoid: "hard_sigmoid"
        case .leakyRelu: "leaky_relu"
        case .mish: "mish"
        case .relu6: "relu6"
        case .selu: "selu"
        case .silu: "silu"
        case .softplus: "softplus"
        case .softsign: "softsign"
        case .celu: "celu"
        case .hardShrink: "hard_shrink"
        case .hardSilu: "hard_silu"
        case .hardTanh: "hard_tanh"
        case .logSigmoid: "log_sigmoid"
        case .logSoftmax: "log_softmax"
        case .softShrink: "soft_shrink"
        case .sparsePlus: "sparse_plus"
        case .sparseSigmoid: "sparse_sigmoid"
        case .sparsemax: "sparsemax"
        case .squareplus: "squareplus"
        case .tanhShrink: "tanh_shrink"
        }
    }

    /// As configurations have it: the name, or what has the arguments.
    public var config: ConfigValue {
        guard case .form(let form) = self else { return .string(rawValue) }
        let (name, arguments) = form.named
        guard form.isLayer else {
            var mapping: ConfigDictionary = ["class": .string(name)]
            for (key, value) in arguments.entries { mapping[key] = value }
            return .dictionary(mapping)
        }
        return .dictionary([
            "module": "keras.layers", "class_name": .string(name), "config": .dictionary(arguments),
            "registered_name": .null,
        ])
    }

    /// Reads an activation: a name, what Keras writes for one of its layers (`{class_name: LeakyReLU, …}`) or functions, or a
    /// mapping with arguments, as `{class: celu, alpha: 0.5}`.
    /// - Throws: `ConfigError` for anything else, with the nearest valid name.
    package init(_ value: ConfigValue, at path: ConfigPath) throws(ConfigError) {
        // What Keras writes for a function of its own.
        if case .dictionary(let function) = value, function["class_name"] == "function",
            let name = function["config"]
        {
            self = try Activation(name, at: path.appending("config"))
            return
        }
        var named = try NamedConfig(value, at: path, kind: "an activation")
        let identifier = named.identifier
        if case .string = value {
            self = try Activation(name: identifier, at: path, else: named)
        } else if let form = try ActivationForm(of: identifier, reading: &named.reader) {
            try named.reader.finish()
            self = Activation(form)
        } else if Activation(rawValue: identifier) != nil {
            self = try Activation(name: identifier, at: path, else: named)
            try named.reader.finish()
        } else if LayerRegistry.classNames.contains(identifier) {
            let layer = try LayerRegistry.makeLayer(
                className: identifier, classKey: "class_name", config: &named.reader)
            let softmax = (layer as? Softmax)?.outputActivation
            guard let activation = (layer as? any ActivatingLayer)?.activation ?? softmax else {
                throw ConfigError(
                    path: path,
                    message:
                        "the layer \(identifier) cannot be an activation: expected ReLU, LeakyReLU, ELU, Softmax "
                        + "over the last axis, or Activation; make it a layer of its own")
            }
            self = activation
        } else {
            throw named.unknownIdentifier(valid: Self.allCases.map(\.rawValue))
        }
    }

    private init(name: String, at path: ConfigPath, else named: NamedConfig) throws(ConfigError) {
        let advice: [String: String] = [
            "glu": "halves the axis, which no layer's activation may; mio has no layer of it",
            "threshold":
                "has no default arguments; write {class: threshold, threshold: 0.5, default_value: 0}",
        ]
        if let advice = advice[name] {
            throw ConfigError(path: path, message: "the activation \(quoted: name) \(advice)")
        }
        guard let activation = Activation(rawValue: name) else {
            throw named.unknownIdentifier(valid: Self.allCases.map(\.rawValue))
        }
        self = activation
    }
}

extension ActivationForm {
    /// Whether Keras has a layer with these arguments, and writes that.
    var isLayer: Bool {
        switch self {
        case .leaky, .rectified, .elu: true
        default: false
        }
    }

    /// The function or layer of Keras, and its arguments.
    var named: (name: String, arguments: ConfigDictionary) {
        switch self {
        case .leaky(let slope): ("LeakyReLU", ["negative_slope": .real(slope)])
        case .rectified(let slope, let most, let threshold):
            (
                "ReLU",
                [
                    "max_value": most.map { .real($0) } ?? .null, "negative_slope": .real(slope),
                    "threshold": .real(threshold),
                ]
            )
        case .elu(let alpha): ("ELU", ["alpha": .real(alpha)])
        case .celu(let alpha): ("celu", ["alpha": .real(alpha)])
        case .geluByTanh: ("gelu", ["approximate": true])
        case .hardShrink(let threshold): ("hard_shrink", ["threshold": .real(threshold)])
        case .softShrink(let threshold): ("soft_shrink", ["threshold": .real(threshold)])
        case .squareplus(let b): ("squareplus", ["b": .real(b)])
        case .threshold(let threshold, let below):
            ("threshold", ["threshold": .real(threshold), "default_value": .real(below)])
        case .hardSilu: ("hard_silu", [:])
        case .hardTanh: ("hard_tanh", [:])
        case .logSigmoid: ("log_sigmoid", [:])
        case .sparsePlus: ("sparse_plus", [:])
        case .sparseSigmoid: ("sparse_sigmoid", [:])
        case .tanhShrink: ("tanh_shrink", [:])
        case .absolute: ("absolute", [:])
        case .square: ("square", [:])
        case .squareRoot: ("sqrt", [:])
        case .logarithm: ("log", [:])
        case .power(let exponent): ("power", ["exponent": .real(exponent)])
        case .clip(let least, let most):
            (
                "clip",
                [
                    "x_min": least == -.infinity ? .null : .real(least),
                    "x_max": most == .infinity ? .null : .real(most),
                ]
            )
        case .reciprocal(let numerator): ("reciprocal", ["numerator": .real(numerator)])
        }
    }

    /// Of the functions of `keras.activations` that have arguments; `nil` for others, or if `approximate` is false.
    init?(of name: String, reading config: inout ConfigReader) throws(ConfigError) {
        switch name {
        case "leaky_relu":
            self = .leaky(slope: try config.real("negative_slope", default: 0.2, in: 0 ... .infinity))
        case "relu":
            self = .rectified(
                slope: try config.real("negative_slope", default: 0),
                most: try config.optionalReal("max_value"),
                threshold: try config.real("threshold", default: 0))
        case "elu": self = .elu(alpha: try config.real("alpha", default: 1))
        case "celu": self = .celu(alpha: try config.real("alpha", default: 1))
        case "gelu":
            guard try config.boolean("approximate", default: false) else { return nil }
            self = .geluByTanh
        case "hard_shrink": self = .hardShrink(threshold: try config.real("threshold", default: 0.5))
        case "soft_shrink": self = .softShrink(threshold: try config.real("threshold", default: 0.5))
        case "squareplus": self = .squareplus(b: try config.real("b", default: 4, in: 0 ... .infinity))
        case "threshold":
            self = .threshold(try config.real("threshold"), below: try config.real("default_value"))
        case "absolute": self = .absolute
        case "square": self = .square
        case "sqrt": self = .squareRoot
        case "log": self = .logarithm
        case "power": self = .power(exponent: try config.real("exponent"))
        case "clip":
            self = .clip(
                least: try config.optionalReal("x_min") ?? -.infinity,
                most: try config.optionalReal("x_max") ?? .infinity)
        case "reciprocal": self = .reciprocal(numerator: try config.real("numerator", default: 1))
        default: return nil
        }
    }
}
