// swift-tools-version: 6.2
import PackageDescription

// `scripts/test` and CI set MIO_WARNINGS_AS_ERRORS; a user's newer compiler may warn of more without
// breaking their build.
let strict: [SwiftSetting] =
    Context.environment["MIO_WARNINGS_AS_ERRORS"] == nil ? [] : [.treatAllWarnings(as: .error)]

/// A library target of the package and its tests, which mirror its sources.
func module(_ name: String, _ dependencies: [Target.Dependency], testing extra: [Target.Dependency] = [])
    -> [Target]
{
    [
        .target(name: name, dependencies: dependencies, swiftSettings: strict),
        .testTarget(
            name: name + "Tests", dependencies: [.byName(name: name)] + dependencies + extra,
            swiftSettings: strict),
    ]
}

let package = Package(
    name: "mio",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-numerics", from: "1.0.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
    ]
)

let numerics = Target.Dependency.product(name: "RealModule", package: "swift-numerics")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let log = Target.Dependency.product(name: "Logging", package: "swift-log")

// MARK: C libraries: a module map and a header of `static inline` wrappers each.

package.targets += [
    .systemLibrary(name: "CMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
]

// MARK: Modules, each on those before it.

package.targets += module("MIOTensor", [numerics])
package.targets += module("MIOConfig", ["MIOTensor"])
package.targets += module("MIOGraph", ["MIOTensor", "MIOConfig", numerics])
package.targets += module("MIOPlan", ["MIOTensor", "MIOConfig", "MIOGraph"])
package.targets += [.target(name: "CDenseLoops")]
package.targets += module(
    "MIOKernels", ["MIOTensor", "MIOGraph", "MIOPlan", "COneDNN", "COpenBLAS", "CDenseLoops"])
