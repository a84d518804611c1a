import MIOBase
import MIOKernels
import Testing

@Suite struct MatrixProductTests {
    /// Both libraries, both factors as they are and transposed, written and added.
    @Test(arguments: [MatrixProduct.openBLAS, .oneDNN], [false, true]) func multiplies(
        product: MatrixProduct, adds: Bool
    ) {
        let (m, n, k) = (37, 53, 71)
        var random = PhiloxSequence(seed: 2, stream: 0)
        func matrix(_ count: Int) -> [Float] { (0..<count).map { _ in random.nextUniform(-1, 1) } }
        let (a, b, start) = (matrix(m * k), matrix(k * n), matrix(m * n))
        for (transposesA, transposesB) in [(false, false), (true, false), (false, true), (true, true)] {
            var c = start
            a.withUnsafeBufferPointer { a in
                b.withUnsafeBufferPointer { b in
                    c.withUnsafeMutableBufferPointer { c in
                        product(
                            m, n, k,
                            .init(
                                pointer: a.baseAddress!, stride: transposesA ? m : k, transposed: transposesA),
                            .init(
                                pointer: b.baseAddress!, stride: transposesB ? k : n, transposed: transposesB),
                            adds: adds, into: c.baseAddress!, stride: n)
                    }
                }
            }
            for i in 0..<m {
                for j in 0..<n {
                    var sum = adds ? Double(start[i * n + j]) : 0
                    for l in 0..<k {
                        let left = transposesA ? a[l * m + i] : a[i * k + l]
                        let right = transposesB ? b[j * k + l] : b[l * n + j]
                        sum += Double(left) * Double(right)
                    }
                    // k products below 1, each added with half an ulp of a partial sum below k.
                    #expect(abs(Double(c[i * n + j]) - sum) <= Double(k) * Double(Float.ulpOfOne) * 8)
                }
            }
        }
    }
}
