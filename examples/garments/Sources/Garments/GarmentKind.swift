/// What a garment is, and what its like typically weighs, costs and measures.
package struct GarmentKind: Hashable, Sendable {
    package let name: String
    /// Kilograms.
    let weight: Float
    /// Euros.
    let price: Float
    /// The longer side, in centimetres.
    let length: Float

    /// In the order of Fashion-MNIST's labels.
    package static let all = [
        GarmentKind(name: "T-shirt", weight: 0.16, price: 15, length: 70),
        GarmentKind(name: "trouser", weight: 0.45, price: 45, length: 105),
        GarmentKind(name: "pullover", weight: 0.42, price: 40, length: 68),
        GarmentKind(name: "dress", weight: 0.32, price: 55, length: 100),
        GarmentKind(name: "coat", weight: 1.15, price: 120, length: 95),
        GarmentKind(name: "sandal", weight: 0.50, price: 35, length: 28),
        GarmentKind(name: "shirt", weight: 0.24, price: 35, length: 76),
        GarmentKind(name: "sneaker", weight: 0.80, price: 70, length: 30),
        GarmentKind(name: "bag", weight: 0.65, price: 60, length: 35),
        GarmentKind(name: "ankle boot", weight: 1.00, price: 95, length: 30),
    ]
}
