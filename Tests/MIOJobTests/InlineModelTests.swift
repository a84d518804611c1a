import MIOBase
import MIOConfig
import MIOGraph
import MIOJob
import Testing

@Suite struct InlineModelTests {
    /// A job of one model, whose outputs all learn numbers.
    private func job(_ model: String, outputs: [String]) throws -> Job {
        let entries = outputs.map { "  \($0): {loss: mse}\n" }.joined()
        return try Job(
            yaml: "model:\n\(model)\noutputs:\n\(entries)data: {train: {files: a.npz}}\n", folder: "/jobs/m")
    }

    private func graph(_ model: String, outputs: [String]) throws -> Graph {
        try job(model, outputs: outputs).graph
    }

    private func message(_ model: String, outputs: [String] = ["y"]) -> String? {
        #expect(throws: JobError.self) { try job(model, outputs: outputs) }?.description
    }

    @Test func imageMetadataEqualsItsSwift() throws {
        let read = try graph(
            """
              inputs: {image: {shape: [256, 256, 3]}, metadata: {shape: [10]}}
              layers:
                - {name: conv2d, class: Conv2D, inputs: image, filters: 32, kernel_size: 3, activation: relu}
                - {name: conv2d_1, class: Conv2D, inputs: conv2d, filters: 64, kernel_size: [3, 3], activation: relu}
                - {name: flatten, class: Flatten, inputs: conv2d_1}
                - {name: dense, class: Dense, inputs: metadata, units: 16, activation: relu}
                - {name: dense_1, class: Dense, inputs: dense, units: 32, activation: relu}
                - {name: concatenate, class: Concatenate, inputs: [flatten, dense_1]}
                - {name: answer, class: Dense, inputs: concatenate, units: 1, activation: sigmoid}
              outputs: [answer]
            """, outputs: ["answer"])
        let image = Input("image", shape: [256, 256, 3])
        let metadata = Input("metadata", shape: [10])
        let features = Flatten()(
            Conv2D(64, kernelSize: 3, activation: .relu)(
                Conv2D(32, kernelSize: 3, activation: .relu)(image)))
        let context = Dense(32, activation: .relu)(Dense(16, activation: .relu)(metadata))
        let answer = Dense(1, activation: .sigmoid, name: "answer")(concatenate([features, context]))
        let built = try Model(inputs: [image, metadata], outputs: [answer]).graph
        #expect(read == built)
        #expect(read.layers.map(\.name) == built.layers.map(\.name))
        #expect(read.nodes == built.nodes)
    }

    /// The layers stand in the opposite of their order.
    @Test func twoHeadsEqualItsSwift() throws {
        let read = try graph(
            """
              inputs: {input: {shape: [100]}}
              layers:
                - {name: box, class: Dense, inputs: dense_1, units: 4, activation: sigmoid}
                - {name: dense_1, class: Dense, inputs: input, units: 64, activation: relu}
                - {name: kind, class: Dense, inputs: dense, units: 10, activation: softmax}
                - {name: dense, class: Dense, inputs: input, units: 32, activation: relu}
              outputs: [kind, box]
            """, outputs: ["kind", "box"])
        let input = Input("input", shape: [100])
        let kind = Dense(10, activation: .softmax, name: "kind")(Dense(32, activation: .relu)(input))
        let box = Dense(4, activation: .sigmoid, name: "box")(Dense(64, activation: .relu)(input))
        let built = try Model(inputs: [input], outputs: [kind, box]).graph
        #expect(read == built)
        #expect(read.nodes == built.nodes)
        #expect(read.weights == built.weights)
    }

    private static let towers = """
          inputs: {a: {shape: [3]}, b: {shape: [3]}}
          layers:
            - {name: second, layer: tower, inputs: b}
            - {name: y, class: Add, inputs: [tower, deep]}
            - {name: deep, class: Dense, inputs: second, units: 2}
            - {name: tower, class: Dense, inputs: a, units: 2}
          outputs: {sum: y}
        """

    /// An input is an output like any other, and so is what only moves its elements.
    @Test(arguments: ["t", "flat"]) func wholeNumbersAreNoOutput(first: String) {
        let second = first == "t" ? "flat" : "t"
        let error = #expect(throws: (any Error).self) {
            try job(
                """
                  inputs: {t: {shape: [3], dtype: int32}}
                  layers:
                    - {name: flat, class: Flatten, inputs: t}
                  outputs: [\(first), \(second)]
                """, outputs: [first])
        }
        let text = error.map { "\($0)" } ?? ""
        #expect(
            text.contains("model.outputs.\(first): expected an output of real numbers, found (3,) of int32"),
            "\(text)")
    }

    @Test func aSharedLayerHasOneSetOfWeights() throws {
        let job = try job(Self.towers, outputs: ["sum"])
        #expect(
            job.graph.weights.map(\.name).filter { $0.hasPrefix("tower") } == [
                "tower/kernel", "tower/bias",
            ])
        #expect(job.graph.nodes.count == 6)
        #expect(job.graph.outputs.map(\.name) == ["sum"])
        #expect(try Job(yaml: job.resolvedYAML, folder: "/").graph == job.graph)
    }

    /// The call "second" is executed before "tower", and so are others whose layer has no call's name.
    @Test func layersMayBearAnotherNameThanTheirCalls() throws {
        let a = Input("a", shape: [3])
        let b = Input("b", shape: [3])
        let tower = Dense(2, name: "tower")
        let model = try Model(
            inputs: [a, b], outputs: [add([tower(a).named("left"), tower(b).named("right")], name: "y")])
        let read = try graph(
            """
              inputs: {a: {shape: [3]}, b: {shape: [3]}}
              layers:
                - {name: left, class: Dense, layer: tower, inputs: a, units: 2}
                - {name: right, layer: tower, inputs: b}
                - {name: y, class: Add, inputs: [left, right]}
              outputs: y
            """, outputs: ["y"])
        #expect(read == model.graph)
        #expect(read.weights.map(\.name) == ["tower/kernel", "tower/bias"])
    }

    @Test func modelsUsedAsLayersAreWrittenAndReadBack() throws {
        let inner = Input("inner", shape: [3])
        let encoder = try Model(inputs: [inner], outputs: [Dense(2, name: "code")(inner)])
        let a = Input("a", shape: [3])
        let b = Input("b", shape: [3])
        let model = try Model(inputs: [a, b], outputs: [add(encoder(a) + encoder(b), name: "y")])
        let text = model.graph.canonical.yaml.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n")
        #expect(try graph(text, outputs: ["y"]) == model.graph)
    }

    @Test func aCycleIsNamed() {
        #expect(
            message(
                """
                  inputs: {x: {shape: [3]}}
                  layers:
                    - {name: y, class: Dense, inputs: c, units: 1}
                    - {name: a, class: Add, inputs: [x, c]}
                    - {name: b, class: Dense, inputs: a, units: 3}
                    - {name: c, class: Dense, inputs: b, units: 3}
                  outputs: y
                """)
                == "job.yaml:5: model.layers[1].inputs: the layers form a cycle: a → b → c → a; a layer "
                + "cannot depend on its own result")
        #expect(
            message(
                """
                  inputs: {x: {shape: [3]}}
                  layers: [{name: y, class: Dense, inputs: y, units: 1}]
                  outputs: y
                """)?.contains("cycle: y → y;") == true)
    }

    private static func small(_ layers: String, outputs: String = "y") -> String {
        "  inputs: {x: {shape: [3]}}\n  layers:\n\(layers)\n  outputs: \(outputs)"
    }

    @Test func wrongShapes() {
        #expect(
            message(Self.small("    - {name: y, class: Conv2D, inputs: x, filters: 2, kernel_size: 3}"))
                == "job.yaml:4: model.layers[0]: layer \"y\" (Conv2D): expected one tensor (height, width, "
                + "channels), received (3,)")
        #expect(
            message(
                Self.small(
                    """
                        - {name: t, class: Dense, inputs: x, units: 2}
                        - {name: y, layer: t, inputs: t}
                    """)
            )?.hasPrefix("job.yaml:5: model.layers[1]: layer \"y\" (Dense): shares the weights of \"t\"")
                == true)
        #expect(
            message("  inputs: {x: {shape: [3, 0]}}\n  layers: []\n  outputs: x")
                == "job.yaml:2: model.inputs.x.shape: expected positive dimensions (without the batch), found "
                + "[3, 0]")
        #expect(
            message("  inputs: {x: {shape: 3}}\n  layers: []\n  outputs: x")
                == "job.yaml:2: model.inputs.x.shape: expected a list of integers, as [64, 64, 1], "
                + "found the integer 3")
    }

    @Test func unknownAndDuplicateNames() {
        #expect(
            message(
                Self.small(
                    "    - {name: y, class: Add, inputs: [x, hiden]}\n"
                        + "    - {name: hidden, class: Dense, inputs: x, units: 3}"))
                == "job.yaml:4: model.layers[0].inputs[1]: unknown name \"hiden\"; did you mean \"hidden\"? "
                + "Valid names: x, y, hidden")
        #expect(
            message(Self.small("    - {name: y, class: Flatten, inputs: x}", outputs: "[z]"))
                == "job.yaml:5: model.outputs[0]: unknown name \"z\"; did you mean \"x\"? Valid names: x, y")
        #expect(
            message(Self.small("    - {name: y, layer: tower, inputs: x}"))
                == "job.yaml:4: model.layers[0].layer: unknown name \"tower\". Valid names: ")
        #expect(
            message(
                Self.small(
                    "    - {name: y, class: Flatten, inputs: x}\n    - {name: y, class: Flatten, inputs: x}"))
                == "job.yaml:5: model.layers[1].name: the name \"y\" is taken by model.layers[0]; name them "
                + "apart, or write \"layer: y\" to call that layer again")
        #expect(
            message(Self.small("    - {name: x, class: Flatten, inputs: x}"))?.contains(
                "is taken by model.inputs.x;") == true)
        #expect(
            message(Self.small("    - {name: y, class: Flatten, inputs: x}", outputs: "[y, y]"))?.contains(
                "output \"y\": two outputs have this name") == true)
    }

    @Test func unusedLayersAreNamed() {
        #expect(
            message(
                Self.small(
                    """
                        - {name: y, class: Dense, inputs: x, units: 1}
                        - {name: left, class: Dense, inputs: x, units: 1}
                        - {name: over, class: Dense, inputs: left, units: 1}
                    """))
                == "job.yaml:5: model.layers[1]: no output depends on \"left\", \"over\"; remove what is not "
                + "used, or add it to model.outputs")
    }

    private static let states = """
        name: a
        model:
          inputs: {x: {shape: [4, 2]}}
          layers:
            - {name: lstm, class: LSTM, inputs: x, units: 3, return_sequences: true, return_state: true}
            - {name: y, class: LSTM, inputs: [lstm, "lstm:1", "lstm:2"], units: 3}
            - {name: "y:1", class: Dense, inputs: y, units: 2}
          outputs: {answer: y, cell: "OUTPUT", other: "y:1"}
        outputs: {answer: {loss: mse}, cell: {loss: mse}, other: {loss: mse}}
        data: {train: {files: a.npz}}
        training: {epochs: 1, batch_size: 1}
        """

    /// The states of one layer begin another one; a name with a colon is a name first.
    @Test func furtherResults() throws {
        let job = try Job(yaml: Self.states.replacing("OUTPUT", with: "lstm:2"), folder: "/")
        let graph = job.graph
        let y = try #require(graph.nodes.first { $0.name == "y" })
        #expect(y.inputs.map(graph.name) == ["lstm", "lstm:1", "lstm:2"])
        #expect(graph.outputs.map { graph.name(of: $0.source) } == ["y", "lstm:2", "y:1"])
        #expect(graph.shape(ofOutput: "other") == [2])
    }

    @Test(arguments: [
        ("lstm:3", "\"lstm\" has 3 results"),
        ("lstm:-1", "\"lstm\" has 3 results"),
        ("y:2", "\"y\" has 1 result"),
        ("x:1", "\"x:1\""),
        ("lstn:1", "\"lstn:1\""),
    ]) func resultsThatAreNotThere(written: String, expected: String) {
        let error = #expect(throws: JobError.self) {
            try Job(yaml: Self.states.replacing("OUTPUT", with: written), folder: "/")
        }
        #expect(error?.description.contains("model.outputs.cell: ") == true, "\(String(describing: error))")
        #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
    }

    /// A wrapper's layer is a mapping where the name of a layer to call again would stand.
    @Test func layersInside() throws {
        let job = try Job(
            yaml: """
                name: a
                model:
                  inputs: {x: {shape: [4, 2]}}
                  layers:
                    - {name: both, class: Bidirectional, inputs: x, layer: {class: LSTM, units: 3, return_sequences: true}}
                    - {name: again, layer: both, inputs: x}
                    - name: y
                      class: TimeDistributed
                      inputs: again
                      layer: {module: keras.layers, class_name: Dense, config: {units: 2, name: inner}, registered_name: null}
                    - {name: z, class: TimeDistributed, inputs: both, layer: {class: Dense, units: 2}}
                  outputs: [y, z]
                outputs: {y: {loss: mse}, z: {loss: mse}}
                data: {train: {files: a.npz}}
                training: {epochs: 1, batch_size: 1}
                """, folder: "/")
        let names = Set(job.graph.weights.map(\.name))
        #expect(names.count == 10)
        #expect(
            names.isSuperset(of: [
                "both/forward_lstm/lstm_cell/kernel", "both/backward_lstm/lstm_cell/bias", "y/inner/kernel",
                "z/dense/bias",
            ]))
    }

    /// A wrapper that has another name than its first call, written again and read again.
    @Test func wrappersWithNamesOfTheirOwn() throws {
        let graph = try graph(
            """
              inputs: {x: {shape: [4, 2]}}
              layers:
                - {name: y, class: TimeDistributed, layer_name: each, inputs: x, layer: {class: Dense, units: 2}}
              outputs: [y]
            """, outputs: ["y"])
        #expect(graph.weights.map(\.name) == ["each/dense/kernel", "each/dense/bias"])
        let again = try Job(
            yaml: ConfigValue.dictionary([
                "model": graph.canonical, "outputs": .dictionary(["y": .dictionary(["loss": "mse"])]),
                "data": .dictionary(["train": .dictionary(["files": "a.npz"])]),
            ]).json(), folder: "/jobs/m")
        #expect(again.graph == graph)
    }

    @Test func otherMistakes() {
        #expect(
            message(Self.small("    - {name: y, layer: t, inputs: x, units: 3}"))?.hasPrefix(
                "job.yaml:4: model.layers[0].units: unknown key. Valid keys here: class, inputs, layer, name")
                == true)
        #expect(
            message(Self.small("    - {name: y, class: InputLayer, inputs: x, shape: [3]}"))
                == "job.yaml:4: model.layers[0].class: inputs are not layers here; declare them under "
                + "model.inputs")
        #expect(
            message(Self.small("    - {name: y, class: Flatten}"))
                == "job.yaml:4: model.layers[0].inputs: missing; expected the key \"inputs\"")
        #expect(
            message("  inputs: {}\n  layers: []\n  outputs: y")
                == "job.yaml:2: model.inputs: expected at least one input, found none")
        #expect(
            message(Self.small("    - {name: y, class: Flatten, inputs: x}", outputs: "[]"))
                == "job.yaml:5: model.outputs: expected at least one output, found none")
    }

    @Test func filesOfKerasMustBeThere() {
        let error = #expect(throws: JobError.self) {
            try Job(yaml: "name: a\nmodel: garments.keras\n", folder: "/")
        }
        #expect(
            error?.description
                == "job.yaml:2: model: no such file: /garments.keras; name a .keras file, or write the "
                + "model inline")
        #expect(error?.exitCode == .missingInput)
    }
}
