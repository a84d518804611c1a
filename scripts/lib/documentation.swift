// Counts the public symbols of symbol graphs and those that have documentation, prints the ones that have none, and fails
// if there are any.
//
//     swift scripts/lib/documentation.swift FOLDER_OF_GRAPHS SOURCES
import Foundation

struct SymbolGraph: Decodable {
    struct Symbol: Decodable {
        struct Kind: Decodable { let identifier: String }
        struct Comment: Decodable {}
        let kind: Kind
        let pathComponents: [String]
        let docComment: Comment?
    }
    let symbols: [Symbol]
}

let kindsOfTypes: Set = ["swift.struct", "swift.class", "swift.enum", "swift.protocol", "swift.typealias"]
let folder = URL(filePath: CommandLine.arguments[1])
var (types, symbols, documented) = (0, 0, 0)
for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    .sorted(by: { $0.path < $1.path })
{
    let graph = try JSONDecoder().decode(SymbolGraph.self, from: Data(contentsOf: file))
    for symbol in graph.symbols {
        symbols += 1
        if kindsOfTypes.contains(symbol.kind.identifier) { types += 1 }
        if symbol.docComment != nil {
            documented += 1
        } else {
            print(
                "\(file.lastPathComponent.prefix { $0 != "." }): \(symbol.pathComponents.joined(separator: "."))")
        }
    }
}

let ofTypes = #/^ *package (?:final |indirect )*(?:struct|class|enum|protocol|actor|typealias) /#.anchorsMatchLineEndings()
var packageTypes = 0
guard let files = FileManager.default.enumerator(atPath: CommandLine.arguments[2]) else { exit(1) }
for case let path as String in files where path.hasSuffix(".swift") {
    packageTypes += try String(contentsOfFile: CommandLine.arguments[2] + "/" + path, encoding: .utf8)
        .matches(of: ofTypes).count
}
print(
    "public: \(types) types, \(symbols) symbols, of which \(documented) have documentation; package: \(packageTypes) types")
exit(documented == symbols && symbols > 0 ? 0 : 1)
