// swift-tools-version: 6.2
import PackageDescription

// A user's package: it depends on mio by a path, and its programs import MIO and nothing else.
func program(_ name: String) -> Target {
    .executableTarget(name: name, dependencies: [.product(name: "MIO", package: "mio")])
}

let package = Package(
    name: "outside",
    dependencies: [.package(name: "mio", path: "../..")],
    targets: [program("tutorial"), program("in-memory"), program("in-folder"), program("failing")])
