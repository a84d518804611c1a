import MIODocumentation
import Testing

@Suite struct SourceIndexTests {
    private let index = SourceIndex(files: [
        (
            "Layers/Example.swift",
            """
            /// y = 2 · x. <https://keras.io/api/layers/example_layer/>
            ///
            /// x (n,) → y (n,) | as it is.
            @frozen
            package struct Example: Layer {
                /// Rows | columns.
                package let useBias: Bool
                package let strides: Int

                /// - Parameter strides: the window's size
                ///   without it.
                package init(strides: Int) {}
            }

            package struct Bare {
                /// Of another type.
                package let scale: Double
            }

            /// - `warm_up`: steps at the start.
            /// - cool_down: steps at the end,
            ///   if there are any.
            enum Words: String {
                /// max(x, 0)
                case relu
                case sigmoid
            }
            """
        )
    ])

    @Test func typeCommentIsFoundAboveAttributes() throws {
        let comment = try index.comment(ofType: "Example")
        #expect(comment.page.hasPrefix("y = 2 · x."))
        #expect(comment.page.hasSuffix("x (n,) → y (n,) | as it is."))
    }

    @Test func membersAreFoundByKerasNames() {
        #expect(index.comment(ofMember: "use_bias", inType: "Example")?.cell == "Rows \\| columns.")
        #expect(
            index.comment(ofMember: "strides", inType: "Example")?.cell == "the window's size without it.")
        #expect(index.comment(ofMember: "warm_up", inType: "Words")?.cell == "steps at the start.")
        #expect(
            index.comment(ofMember: "cool_down", inType: "Words")?.cell
                == "steps at the end, if there are any.")
        #expect(index.comment(ofMember: "relu", inType: "Words")?.cell == "max(x, 0)")
    }

    @Test func membersOfOtherTypesAreNotTaken() {
        #expect(index.comment(ofMember: "scale", inType: "Example") == nil)
        #expect(index.comment(ofMember: "sigmoid", inType: "Words") == nil)
        #expect(index.comment(ofMember: "scale", inType: "Absent") == nil)
    }

    @Test func typesWithoutACommentAreErrorsThatNameThePlace() {
        #expect {
            _ = try index.comment(ofType: "Bare")
        } throws: {
            "\($0)" == "Layers/Example.swift:15: Bare has no doc comment; its page is made of it"
        }
        #expect(throws: DocumentationError.self) { _ = try index.comment(ofType: "Absent") }
    }
}
