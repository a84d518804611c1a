// swift-tools-version: 6.2
import PackageDescription

// `scripts/test` and CI set MIO_WARNINGS_AS_ERRORS; a user's newer compiler may warn of more without
// breaking their build.
let strict: [SwiftSetting] =
    Context.environment["MIO_WARNINGS_AS_ERRORS"] == nil ? [] : [.treatAllWarnings(as: .error)]

/// A library target of the package and its tests, which mirror its sources.
func module(
    _ name: String, _ dependencies: [Target.Dependency], testing extra: [Target.Dependency] = [],
    features: [SwiftSetting] = []
) -> [Target] {
    [
        .target(name: name, dependencies: dependencies, swiftSettings: strict + features),
        .testTarget(
            name: name + "Tests", dependencies: [.byName(name: name)] + dependencies + extra,
            swiftSettings: strict),
    ]
}

let package = Package(
    name: "mio",
    products: [
        .library(name: "MIO", targets: ["MIO"]),
        .executable(name: "mio", targets: ["mio-cli"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-numerics", from: "1.0.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        // For mio-coordinator alone: no other program links them, and `swift build --product` of another builds none of them.
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.0.0"),
    ]
)

let numerics = Target.Dependency.product(name: "RealModule", package: "swift-numerics")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let server: [Target.Dependency] = [
    .product(name: "Hummingbird", package: "hummingbird"),
    .product(name: "HummingbirdCore", package: "hummingbird"),
    .product(name: "HTTPTypes", package: "swift-http-types"),
    .product(name: "Logging", package: "swift-log"),
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
    .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
]
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")

// MARK: C libraries: a module map and a header of `static inline` wrappers each.

package.targets += [
    // Open MPI 4 or 5, oneDNN 2 or 3: their headers hold what differs.
    .systemLibrary(name: "CMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"])]),
    .systemLibrary(name: "CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
    // Requests by https, and what they are signed with.
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CCairo", pkgConfig: "cairo", providers: [.apt(["libcairo2-dev"])]),
    // No libraries: what the system and the processor offer and Swift has no word for.
    .systemLibrary(name: "CSharedMemory"),
    .systemLibrary(name: "CPrefetch"),
    .systemLibrary(name: "CThreads"),
    .systemLibrary(name: "CFileSpace"),
]

// MARK: Modules, each on those before it.

package.targets += [.target(name: "CVectorLoops"), .target(name: "CDenseLoops"), .target(name: "CProcess")]
// In C++: what happens when the libraries that are written in it get no memory.
package.targets.append(.target(name: "CFailedAllocation"))
// What a program does with an error that leaves its top level.
package.targets.append(.target(name: "CTopLevelError"))
package.targets += module("MIOSystem", [])
package.targets += module("MIOBase", ["MIOSystem", numerics])
package.targets += module("MIOThreads", ["MIOBase", "MIOSystem", "CThreads"])
package.targets += module("MIOProcess", ["MIOBase", "MIOSystem", "MIOThreads", "CProcess"])
package.targets += module(
    "MIOFiles", ["MIOBase", "MIOSystem", "CFileSpace", "CZlib"], testing: ["TestFolders"])
package.targets += module("MIOConfig", ["MIOBase"])
package.targets += module("MIOTrace", ["MIOBase", "MIOThreads", "MIOConfig"])
// `SpanLayer` hands out spans that live as long as a call.
package.targets += module(
    "MIOGraph", ["MIOBase", "MIOConfig", numerics], features: [.enableExperimentalFeature("Lifetimes")])
package.targets += module("MIOOptimizers", ["MIOBase", "MIOConfig", "CVectorLoops", numerics])
package.targets += module(
    "MIOObjectives",
    ["MIOBase", "MIOConfig", "MIOGraph", "MIOOptimizers", "CDenseLoops", "CVectorLoops", numerics])
package.targets += module(
    "MIOCallbacks", ["MIOBase", "MIOConfig", "MIOObjectives", "MIOOptimizers"])
package.targets += module(
    "MIOFormats", ["MIOBase", "MIOConfig", "MIOFiles", "CVectorLoops"], testing: ["TestFolders"])
package.targets += module(
    "MIOKeras", ["MIOBase", "MIOFiles", "MIOConfig", "MIOGraph", "MIOFormats", "CHDF5", "CZip"],
    testing: ["MIOComm", "MIOData", "MIOJob", "MIOObjectives", "MIORun", "MIOTuning", "TestFolders"])
package.targets += module("MIOBatches", ["MIOBase", "MIOSystem", "MIOThreads", "CVectorLoops"])
package.targets += module(
    "MIOData",
    [
        "MIOBase", "MIOSystem", "MIOFiles", "MIOBatches", "CSharedMemory", "CVectorLoops", "CPrefetch",
        "CZlib",
    ],
    testing: ["TestFolders"])
package.targets += module(
    "MIOJob",
    [
        "MIOBase", "MIOFiles", "MIOConfig", "MIOGraph", "MIOObjectives", "MIOOptimizers", "MIOCallbacks",
        "MIOData", "MIOKeras", yams,
    ])
package.targets += module("MIOPlan", ["MIOBase", "MIOConfig", "MIOGraph"])
package.targets += module(
    "MIOKernels",
    [
        "MIOBase", "MIOSystem", "MIOThreads", "MIOTrace", "MIOGraph", "MIOPlan", "CDenseLoops",
        "CFailedAllocation",
        "COneDNN",
        "COpenBLAS",
    ])
package.targets += module(
    "MIOComm", ["MIOBase", "MIOSystem", "MIOThreads", "CSharedMemory", "CThreads", "CVectorLoops"],
    testing: ["CommunicatorConformance"])
package.targets += module(
    "MIOMPI", ["MIOComm", "MIOBase", "MIOSystem", "MIOThreads", "CMPI", "CSharedMemory", "CVectorLoops"],
    testing: ["mio-communication-check", "ProcessSupport", "TestFolders"])
package.targets += module(
    "MIOTraining",
    [
        "MIOBase", "MIOThreads", "MIOTrace", "MIOGraph", "MIOPlan", "MIOKernels", "MIOObjectives",
        "MIOOptimizers", "MIOComm", "MIOBatches", "CSharedMemory", "CVectorLoops",
    ], testing: ["MIOData"])
package.targets += module(
    "MIORecords", ["MIOFormats", "MIOFiles", "MIOThreads", "MIOBase", "MIOConfig"],
    testing: ["mio-checkpoint-check", "TestFolders"])
package.targets += module(
    "MIORunFolder", ["MIOBase", "MIOFiles", "MIOSystem", "MIOThreads", "CSharedMemory"],
    testing: ["TestFolders"])
package.targets += module("MIOMachine", ["MIOBase", "MIOSystem", "MIOComm"])
package.targets += module("MIOLaunch", ["MIOBase", "MIOMachine", "MIOProcess"])
package.targets += module(
    "MIOSupervision",
    ["MIOBase", "MIOFiles", "MIOSystem", "MIOThreads", "MIORunFolder", "CProcess", "CThreads"],
    testing: ["CSharedMemory", "TestFolders"])
package.targets += module(
    "MIONotifications",
    [
        "MIOBase", "MIOSystem", "MIOThreads", "MIOFiles", "MIOJob", "MIORunFolder", "MIOProcess", "CCurl",
        "CCrypto",
    ], testing: ["ProcessSupport", "TestFolders"])
package.targets += module(
    "MIOTuning",
    [
        "MIOBase", "MIOThreads", "MIOFiles", "MIOConfig", "MIOGraph", "MIOJob", "MIOPlan", "MIOKernels",
        "MIOComm", "MIOBatches", "MIOTraining", "MIOMachine",
    ], testing: ["MIORun", "MIOCheck", "SmallJobs", "TestFolders"])
package.targets += module(
    "MIOScale",
    [
        "MIOBase", "MIOSystem", "MIOThreads", "MIOConfig", "MIOComm", "MIOJob", "MIOKernels", "MIOTuning",
    ])
package.targets += module(
    "MIORun",
    [
        "MIOBase", "MIOConfig", "MIOTrace", "MIOGraph", "MIOPlan", "MIOKernels", "MIOObjectives",
        "MIOOptimizers", "MIOCallbacks", "MIOComm", "MIOBatches", "MIOData", "MIOFiles", "MIOFormats",
        "MIOJob", "MIOKeras",
        "MIOTraining", "MIORecords", "MIORunFolder", "MIOMachine", "MIOTuning", "MIOThreads", "MIOSystem",
        "CProcess", "CSharedMemory", "CThreads",
    ], testing: ["MIOCheck", "SmallJobs", "TestFolders"])
package.targets += module(
    "MIOCheck",
    [
        "MIOBase", "MIOGraph", "MIOPlan", "MIOKernels", "MIOObjectives", "MIOBatches", "MIOData", "MIOFiles",
        "MIOJob", "MIOKeras", "MIOConfig", "MIOOptimizers", "MIOTraining", "MIORecords", "MIOMachine",
        "MIOTuning", "MIORun", "MIONotifications",
    ], testing: ["MIOComm", "MIOFormats", "SmallJobs", "TestFolders"])

// The two models everything starts from, on numbers that are made up: what is timed, and held to Keras.
package.targets.append(
    .target(
        name: "MIOBenchmark",
        dependencies: [
            "MIOBase", "MIOSystem", "MIOThreads", "MIOConfig", "MIOGraph", "MIOObjectives", "MIOOptimizers",
            "MIOKernels", "MIOComm", "MIOBatches", "MIOData", "MIOJob", "MIOTraining", "MIOMachine", "MIORun",
        ], swiftSettings: strict))

// The daemon: what it knows of runs, and where it is found.
package.targets += module(
    "MIORunIndex", ["MIOBase", "MIOSystem", "MIOFiles", "MIOConfig", "MIORunFolder", yams, grdb],
    testing: ["TestFolders"])
package.targets += module(
    "MIODaemonClient", ["MIOBase", "MIOSystem", "MIOFiles", "MIOConfig"], testing: ["TestFolders"])

// Its dashboard is part of the program.
package.targets += [
    .target(
        name: "MIODaemon",
        dependencies: [
            "MIOBase", "MIOSystem", "MIOFiles", "MIOConfig", "MIOTrace", "MIORunFolder", "MIORunIndex",
            "MIODaemonClient", "MIOProcess",
        ] + server,
        resources: [
            "index.html", "dashboard.css", "dashboard.js", "curves.js", "openapi.json",
        ].map { .embedInCode("Dashboard/\($0)") }, swiftSettings: strict),
    .testTarget(
        name: "MIODaemonTests",
        dependencies: [
            "MIODaemon", "MIODaemonClient", "MIORunFolder", "MIORunIndex", "MIOBase", "MIOConfig", "MIOFiles",
            "ProcessSupport", "TestFolders", "mio-coordinator",
        ], swiftSettings: strict),
]

// What a user's own program imports.
package.targets.append(
    .target(
        name: "MIO",
        dependencies: [
            "MIOBase", "MIOConfig", "MIOGraph", "MIOObjectives", "MIOOptimizers", "MIOCallbacks",
            "MIOBatches",
            "MIOData", "MIOFiles", "MIOFormats", "MIOJob", "MIOTraining", "MIOMachine", "MIOTuning", "MIORun",
            "MIOComm",
            "MIOMPI", "MIOPlan", "MIOKernels", "MIORunFolder", "CProcess", "CTopLevelError",
        ], swiftSettings: strict))

// MARK: Programs.

// The pages of docs/ that list what the registries hold: scripts/docs writes them, a test compares them.
package.targets += module(
    "MIODocumentation",
    [
        "MIOConfig", "MIOFiles", "MIOGraph", "MIOJob", "MIOObjectives", "MIOOptimizers", "MIOCallbacks",
        "MIOBase",
    ])
package.targets.append(
    .executableTarget(
        name: "mio-docs", dependencies: ["MIODocumentation", argumentParser], swiftSettings: strict))

package.targets += [
    // What several of them can be told.
    .target(
        name: "MIOCommandLine",
        dependencies: [
            "MIOMachine", "MIOTuning", "MIORun", "MIORunFolder", "MIOJob", "MIOComm", "MIOBase",
            argumentParser,
        ], swiftSettings: strict),
    .executableTarget(
        name: "mio-worker", dependencies: ["MIO", "MIOCommandLine", "MIOMachine", argumentParser],
        swiftSettings: strict),
    // The product is `mio`; the target's name keeps it apart from MIO where file systems ignore case. It runs
    // without MPI, whose absence it can then tell.
    .executableTarget(
        name: "mio-cli",
        dependencies: [
            "MIOCommandLine", "MIOMachine", "MIOLaunch", "MIOTuning", "MIORun", "MIOCheck", "MIOScale",
            "MIOTrace", "MIOJob", "MIOKeras", "MIOGraph", "MIOComm", "MIOConfig",
            "MIODaemonClient", "MIONotifications", "MIORecords", "MIORunFolder", "MIOSupervision", "MIOFiles",
            "MIOThreads",
            "MIOProcess", "MIOSystem", "MIOBase",
            "CProcess",
            argumentParser,
        ], swiftSettings: strict),
    .executableTarget(
        name: "mio-coordinator",
        dependencies: [
            "MIODaemon", "MIORunIndex", "MIODaemonClient", "MIOMachine", "MIOFiles", "MIOConfig", "MIOBase",
            argumentParser,
        ],
        swiftSettings: strict),
    // Counts allocations. Linked only into what measures.
    .target(name: "CAllocationCounter"),
    .executableTarget(
        name: "mio-bench",
        dependencies: [
            "MIO", "MIOBenchmark", "MIOCommandLine", "MIOComm", "MIOConfig", "MIOFiles", "MIOKernels",
            "MIOMachine",
            "CAllocationCounter", argumentParser,
        ], swiftSettings: strict),
]

// MARK: Examples: what makes their data, shows their results, or trains them from Swift.

/// A program of an example, with its sources in the example's folder.
func example(_ folder: String, _ program: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: program, dependencies: dependencies, path: "examples/\(folder)/Sources/\(program)",
        swiftSettings: strict)
}

package.targets += [
    .target(
        name: "Garments", dependencies: ["MIOData", "MIOBase", "CZlib"],
        path: "examples/garments/Sources/Garments", swiftSettings: strict),
    .testTarget(
        name: "GarmentsTests", dependencies: ["Garments", "MIOData", "MIOBase", "CZlib"],
        swiftSettings: strict),
    example(
        "garments", "garments-data",
        ["Garments", "MIOFiles", "MIOBase", "MIOCommandLine", argumentParser]),
    example(
        "garments", "garments-picture", ["Garments", "MIOBase", "CCairo", "MIOCommandLine", argumentParser]),
    example(
        "two-heads", "two-heads-data", ["MIOData", "MIOFiles", "MIOBase", "MIOCommandLine", argumentParser]),
    example("two-heads", "two-heads-train", ["MIO"]),
    example(
        "image-metadata", "image-metadata-data",
        ["MIOData", "MIOFiles", "MIOBase", "MIOCommandLine", argumentParser]),
    example("image-metadata", "image-metadata-train", ["MIO"]),
    example("own-layer", "own-layer-train", ["MIO"]),
]

// MARK: For tests only.

package.targets += [
    // A job that trains in a moment.
    .target(
        name: "SmallJobs",
        dependencies: ["MIOData", "MIOComm", "MIOJob", "MIOTuning", "MIORun", "MIOBase", "TestFolders"],
        path: "Tests/SmallJobs",
        swiftSettings: strict),
    // The programs as their users run them.
    .testTarget(
        name: "MIOCommandTests",
        dependencies: [
            "ProcessSupport", "SmallJobs", "TestFolders", "mio-cli", "mio-worker", "mio-coordinator",
            "garments-data", "two-heads-data", "MIOBatches", "MIOData", "MIOBase", "MIOConfig",
            "MIODaemonClient", "MIOFiles", "MIOProcess", "MIORunFolder",
        ],
        swiftSettings: strict),
    // A folder of its own for each test.
    .target(name: "TestFolders", path: "Tests/TestFolders", swiftSettings: strict),
    // Keras' golden numbers: reading them, and training against them.
    .target(
        name: "KerasParity",
        dependencies: [
            "MIO", "MIOBenchmark", "MIOBatches", "MIOConfig", "MIOData", "MIOObjectives", "MIOPlan",
            "MIOTraining",
        ],
        path: "Tests/KerasParity", swiftSettings: strict),
    .testTarget(
        name: "KerasParityTests",
        dependencies: ["KerasParity", "MIO", "MIOCallbacks", "MIOComm", "MIOConfig"],
        swiftSettings: strict),
    // What every class of every registry promises: layers, losses, metrics, optimizers and the rest, with one line a
    // class.
    .testTarget(
        name: "RegistryTests",
        dependencies: [
            "MIOBase", "MIOConfig", "MIOGraph", "MIOObjectives", "MIOOptimizers", "MIOPlan", "MIOKernels",
            "MIOJob",
        ], swiftSettings: strict),
    // Counts the allocations of a whole training loop. The tests run it, and do not depend on it: that would link
    // its malloc into the test runner.
    .executableTarget(
        name: "mio-allocation-check",
        dependencies: ["MIO", "MIOBenchmark", "MIOComm", "MIOData", "CAllocationCounter"],
        path: "Tests/mio-allocation-check", swiftSettings: strict),
    .testTarget(
        name: "MIOBenchmarkTests",
        dependencies: [
            "MIOBenchmark", "MIOComm", "MIOConfig", "MIOData", "CommunicatorConformance", "ProcessSupport",
            "TestFolders",
        ],
        swiftSettings: strict),
    // The same trainings for scripts/parity, as a table.
    .executableTarget(
        name: "mio-parity-check", dependencies: ["KerasParity", "MIO"], path: "Tests/mio-parity-check",
        swiftSettings: strict),
    // Starts programs, and waits for them no longer than a test allows.
    .target(name: "ProcessSupport", path: "Tests/ProcessSupport", swiftSettings: strict),
    // The real worker under a real mpirun.
    .testTarget(
        name: "EndToEndTests",
        dependencies: [
            "ProcessSupport", "KerasParity", "TestFolders", "mio-worker", "mio-cli", "own-layer-train",
            "MIOBase",
            "MIOGraph",
            "MIOTrace", "MIOConfig",
            "MIOData",
            "MIOFiles", "MIOFormats", "MIORecords", "MIORun",
        ],
        swiftSettings: strict),
    // What every communicator must do, once for all of them.
    .target(
        name: "CommunicatorConformance", dependencies: ["MIOComm"], path: "Tests/CommunicatorConformance",
        swiftSettings: strict),
    // The same under a real mpirun.
    .executableTarget(
        name: "mio-communication-check", dependencies: ["MIOMPI", "MIOSystem", "CommunicatorConformance"],
        path: "Tests/mio-communication-check", swiftSettings: strict),
    // Writes checkpoints until it is killed.
    .executableTarget(
        name: "mio-checkpoint-check",
        dependencies: ["MIORecords", "MIOFormats", "MIOConfig", "MIOBase"],
        path: "Tests/mio-checkpoint-check", swiftSettings: strict),
]

// Each folder of Sources has a README for its readers.
for target in package.targets where target.path == nil && target.type != .test && target.type != .system {
    target.exclude = ["README.md"]
}
