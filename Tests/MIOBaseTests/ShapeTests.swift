import MIOBase
import Testing

@Suite struct ShapeTests {
    @Test func printsAsPythonDoes() {
        #expect(Shape([64, 64, 1]).description == "(64, 64, 1)")
        #expect(Shape([10]).description == "(10,)")
        #expect(Shape([]).description == "()")
    }

    @Test func countsElements() {
        #expect(Shape([3, 4, 5]).count == 60)
        #expect(Shape([]).count == 1)
        #expect(Shape([3, 0]).count == 0)
    }
}

@Suite struct NearestNameTests {
    @Test func findsATypingError() {
        #expect(nearestName(to: "lerning_rate", in: ["learning_rate", "momentum"]) == "learning_rate")
        #expect(nearestName(to: "trian", in: ["test", "train"]) == "train")
        #expect(nearestName(to: "conv2d", in: ["Conv2D", "Dense"]) == "Conv2D")
        #expect(nearestName(to: "zebra", in: ["Conv2D", "Dense"]) == nil)
    }
}

@Suite struct StorageTests {
    @Test func isZeroedAndAligned() {
        let storage = Storage<Float>(count: 1000)
        #expect(UInt(bitPattern: storage.pointer) % 64 == 0)
        #expect(storage.buffer.allSatisfy { $0 == 0 })
    }

    @Test func keepsTheOwnerOfForeignMemory() {
        final class Owner {}
        let memory = UnsafeMutablePointer<Float>.allocate(capacity: 4)
        weak var owner: Owner?
        do {
            let storage = {
                let lender = Owner()
                owner = lender
                return Storage(pointer: memory, count: 4, of: lender)
            }()
            #expect(owner != nil)
            storage.fill(2)
        }
        #expect(owner == nil)
        #expect(memory[3] == 2)
        memory.deallocate()
    }
}
