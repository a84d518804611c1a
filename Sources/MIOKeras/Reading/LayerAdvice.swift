import MIOBase
import MIOGraph

/// What to do about a layer that mio does not have.
enum LayerAdvice {
    private static let swiftLayer =
        "Write the layer in Swift (SpanLayer), register it in a program that imports MIO, by LayerRegistry.register, before it reads the job, "
        + "and give it this className; examples/own-layer shows how"

    static func unknown(_ layer: KerasLayer) -> String {
        if layer.className == "Lambda" {
            return
                "is Python code, which mio does not run. In Python build the same from Keras' layers or operations (keras.ops); "
                + "or replace it by a layer class of your own: \(swiftLayer)"
        }
        guard layer.isKeras else {
            let name = [layer.module, layer.registeredName ?? layer.className].compactMap(\.self).joined(
                separator: ".")
            return
                "is a class of its author's (\(name.shown(most: 100))), and mio runs no Python. \(swiftLayer); its config is what the class' get_config gave"
        }
        let near =
            nearestName(to: layer.className, in: LayerRegistry.classNames).map {
                "; the nearest is \(quoted: $0)"
            } ?? ""
        return "mio does not have this layer yet\(near). \(swiftLayer)"
    }

    /// A class of somebody's own that has the name of one of Keras'.
    static func ownNamesake(_ layer: KerasLayer) -> String {
        "is a class of its author's (module \(quoted: layer.module ?? "none")) with the name of one of Keras' own, which may compute something else. "
            + "Rename it in Python, save again, and: \(swiftLayer)"
    }
}
