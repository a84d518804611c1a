import KerasParity
import MIOBase
import MIOConfig
import MIOOptimizers
import Testing

/// Five steps of each optimizer on two variables, and learning rates.
@Suite struct OptimizerParityTests {
    /// One variable of a run, with its slots.
    private struct Variable<T: Scalar> {
        let weights: Storage<T>
        let slots: [Storage<T>]
        let average: Storage<T>

        init(_ start: Tensor, _ optimizer: any Optimizer) {
            weights = Storage(count: start.values.count)
            for (index, value) in start.values.enumerated() { weights.pointer[index] = T(value) }
            slots = optimizer.firstSlotValues.map {
                let slot = Storage<T>(count: start.values.count)
                slot.fill(T($0))
                return slot
            }
            average = Storage(count: start.values.count)
        }

        func range(_ gradient: UnsafePointer<T>, scale: Double) -> ParameterRange<T> {
            let pointers = slots.map(\.pointer)
            return ParameterRange(
                count: weights.count, weights: weights.pointer, gradient: gradient,
                slots: SlotPointers(
                    pointers.first, pointers.dropFirst().first, pointers.dropFirst(2).first),
                gradientScale: scale)
        }
    }

    /// - Parameter update: plain or native.
    private func check<T: Scalar>(
        _ name: String, factor: Double,
        update: (any Optimizer, ParameterRange<T>, UpdateScalars) -> Void
    ) throws {
        let golden = try Golden(named: "optimizers")
        #expect(try golden["cases"].list.count == 37)
        try check(golden, name, factor: factor, update: update)
        // Some of every class, of arguments that were drawn.
        let random = try Golden(random: "optimizers")
        let classes = try Set(random["cases"].list.map { try $0["class"].string })
        #expect(classes == Set(OptimizerRegistry.all))
        try check(random, name, factor: factor, update: update)
    }

    private func check<T: Scalar>(
        _ golden: Golden, _ name: String, factor: Double,
        update: (any Optimizer, ParameterRange<T>, UpdateScalars) -> Void
    ) throws {
        let seed = UInt64(try golden["seed"].integer)
        let start = try golden["variables"].list.map { try $0.draw(seed: seed) }
        let gradients = try golden["gradients"].list.map { step in
            try step.list.map { try $0.draw(seed: seed).values }
        }
        for one in try golden["cases"].list {
            let optimizer = try OptimizerRegistry.read(one.configuration, at: ConfigPath(one.place))
            let variables = start.map { Variable<T>($0, optimizer) }
            let steps = try one["after_step"].list
            #expect(steps.count == 5)
            for (index, after) in steps.enumerated() {
                let squares = gradients[index].map { gradient in
                    gradient.reduce(0) { $0 + Double($1) * Double($1) }
                }
                let scales = optimizer.options.clipping.scales(squaredNorms: squares)
                for (variable, (gradient, scale)) in zip(variables, zip(gradients[index], scales)) {
                    gradient.map { T($0) }.withUnsafeBufferPointer {
                        update(
                            optimizer, variable.range($0.baseAddress!, scale: scale),
                            optimizer.makeUpdate(step: index))
                    }
                    guard let average = optimizer.options.average else { continue }
                    let step = average.step(updates: index)
                    let (weights, means) = (variable.weights.pointer, variable.average.pointer)
                    if let weights = weights as? UnsafeMutablePointer<Float>,
                        let means = means as? UnsafeMutablePointer<Float>
                    {
                        MovingAverage.updateNative(
                            count: variable.weights.count, weights: weights, average: means, step)
                    } else {
                        MovingAverage.update(
                            count: variable.weights.count, weights: weights, average: means, step)
                    }
                }
                for (variable, expected) in zip(variables, try after.list) {
                    let worst = try expected.worst(
                        of: Array(variable.weights.buffer), seed: seed, factor: factor)
                    #expect(
                        worst.isWithinTolerance, "\(name) \(optimizer.config.json()), step \(index): \(worst)"
                    )
                }
            }
            guard let final = try one.optional("final") else { continue }
            for (variable, expected) in zip(variables, try final.list) {
                let worst = try expected.worst(
                    of: Array(variable.average.buffer), seed: seed, factor: factor)
                #expect(worst.isWithinTolerance, "\(name) \(optimizer.config.json()), averages: \(worst)")
            }
        }
    }

    @Test func plainInDoublePrecision() throws {
        try check("plain double", factor: doublePrecision) { optimizer, range, scalars in
            optimizer.update(range as ParameterRange<Double>, with: scalars)
        }
    }

    @Test func plainInSinglePrecision() throws {
        try check("plain float", factor: 1) { optimizer, range, scalars in
            optimizer.update(range as ParameterRange<Float>, with: scalars)
        }
    }

    @Test func native() throws {
        try check("native", factor: 1) { optimizer, range, scalars in
            optimizer.updateNative(range, with: scalars)
        }
    }

    @Test func schedules() throws {
        let golden = try Golden(named: "schedules")
        #expect(try golden["cases"].list.count == 15)
        try checkSchedules(golden)
    }

    @Test func randomSchedules() throws {
        let golden = try Golden(random: "schedules")
        let classes = try Set(golden["cases"].list.map { try $0["class"].string })
        #expect(Set(ScheduleRegistry.all).subtracting(classes) == ["Constant"])
        try checkSchedules(golden)
    }

    private func checkSchedules(_ golden: Golden) throws {
        let steps = try golden["steps"].integers
        for one in try golden["cases"].list {
            let schedule = try ScheduleRegistry.read(one.configuration, at: ConfigPath(one.place))
            let rates = steps.map { schedule.value(at: $0) }
            // Not tighter: Keras has rounded the schedule's arguments to float32 on the way.
            let worst = try Quantity(one["learning_rate"]).worst(rates)
            #expect(worst.isWithinTolerance, "\(schedule.config.json()): \(worst)")
        }
    }
}
