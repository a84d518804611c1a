import MIOBase
import MIOData
import Testing

struct AxesAdviceTests {
    @Test(
        arguments: [
            ([3, 8, 8], [8, 8, 3], "the axes are there in another order: np.moveaxis(x, 1, -1)"),
            ([28, 28, 1], [1, 28, 28], "the elements are in order: x.reshape(-1, 1, 28, 28)"),
            ([8, 8, 3], [3, 8, 8], "the axes are there in another order: np.moveaxis(x, -1, 1)"),
            ([4, 6], [6, 4], "the axes are there in another order: np.moveaxis(x, 1, -1)"),
            ([2, 3, 4], [2, 4, 3], "the axes are there in another order: np.moveaxis(x, 2, -1)"),
            ([2, 3, 4], [4, 3, 2], "the axes are there in another order: np.transpose(x, (0, 3, 2, 1))"),
            ([64], [8, 8, 1], "if the elements are in this order, x.reshape(-1, 8, 8, 1)"),
            ([8, 8, 3], [64, 3], "if the elements are in this order, x.reshape(-1, 64, 3)"),
            ([8, 1], [1, 8], "the elements are in order: x.reshape(-1, 1, 8)"),
            (
                [3, 8, 8], [64, 3],
                "the axes are there in another order: np.moveaxis(x, 1, -1).reshape(-1, 64, 3)"
            ),
            (
                [3, 64], [8, 8, 3],
                "the axes are there in another order: np.moveaxis(x, 1, -1).reshape(-1, 8, 8, 3)"
            ),
        ] as [([Int], [Int], String)])
    func theWayIsSaid(found: [Int], wanted: [Int], text: String) {
        #expect(AxesAdvice.text(from: Shape(found), to: Shape(wanted), array: "x") == text)
    }

    /// Axes that neither move nor split leave nothing to say; nor do other counts.
    @Test(
        arguments: [([2, 6], [4, 3]), ([7], [8]), ([0, 3], [3, 0]), ([6, 10], [15, 4])] as [([Int], [Int])])
    func whereNoWayIsKnownNoneIsSaid(found: [Int], wanted: [Int]) {
        #expect(AxesAdvice.text(from: Shape(found), to: Shape(wanted), array: "x") == nil)
    }
}
