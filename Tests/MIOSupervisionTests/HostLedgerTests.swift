import MIOSupervision
import Testing

@Suite struct HostLedgerTests {
    private func ledger(_ slots: [(String, Int)], ranks: Int, least: Int = 1) -> HostLedger {
        HostLedger(
            hosts: slots.map { HostLedger.Host(name: $0.0, slots: $0.1) }, ranks: ranks, leastRanks: least)
    }

    @Test func aLostHostIsLeftOutAndTakenBack() {
        var hosts = ledger([("a", 4), ("b", 4), ("c", 4)], ranks: 12)
        #expect(hosts.placement?.ranks == 12)
        #expect(hosts.sentence(hosts.placement) == nil)
        hosts.hear(["b": false, "c": true, "nobody": false], at: 10)
        #expect(hosts.lostHosts == ["b"])
        #expect(hosts.placement?.ranks == 8)
        #expect(hosts.placement?.hosts.map(\.name) == ["a", "c"])
        #expect(hosts.placement?.leftOut == ["b"])
        #expect(
            hosts.sentence(hosts.placement)
                == "b does not answer: going on without, with 8 ranks instead of 12")
        hosts.hear(["b": true], at: 20)
        hosts.hear(["b": true], at: 30)
        #expect(hosts.returning(after: 15, at: 30).isEmpty)
        #expect(hosts.returning(after: 15, at: 35) == ["b"])
        // It was away in between.
        hosts.hear(["b": false], at: 36)
        hosts.hear(["b": true], at: 40)
        #expect(hosts.returning(after: 15, at: 41).isEmpty)
        #expect(hosts.placement?.leftOut == ["b"])
        #expect(hosts.takeBack(at: 41) == ["b"])
        #expect(hosts.placement?.ranks == 12)
        #expect(hosts.takeBack(at: 42).isEmpty)
    }

    @Test func theNumberOfRanksStaysWhereSlotsAreLeft() {
        var hosts = ledger([("a", 4), ("b", 4), ("c", 4)], ranks: 8)
        hosts.lose("a")
        #expect(hosts.placement?.ranks == 8)
        #expect(hosts.sentence(hosts.placement) == "a does not answer: going on without, with 8 ranks")
        // Nobody can ask it.
        #expect(hosts.takeBack(at: 1000).isEmpty)
    }

    @Test func tooFewSlotsAreWaitedFor() {
        var hosts = ledger([("a", 4), ("b", 2)], ranks: 6, least: 3)
        hosts.hear(["a": false], at: 0)
        #expect(hosts.placement == nil)
        #expect(
            hosts.sentence(nil)
                == "a does not answer: too few slots are left for 3 ranks; waiting until hosts are back")
        hosts.hear(["b": false], at: 0)
        #expect(hosts.sentence(nil)?.hasPrefix("a, b do not answer: ") == true)
        hosts.hear(["a": true], at: 1)
        _ = hosts.takeBack(at: 1)
        #expect(hosts.placement?.ranks == 4)
    }

    @Test func moreRanksThanSlotsAreSharedOut() {
        var hosts = ledger([("a", 2), ("b", 2)], ranks: 12)
        #expect(hosts.placement?.ranks == 12)
        hosts.lose("b")
        #expect(hosts.placement?.ranks == 6)
    }

    @Test func threeFaultsInARowMakeAHostSuspect() {
        var hosts = ledger([("a", 1), ("b.cluster", 1)], ranks: 2)
        #expect(hosts.fail(on: "b", step: 10) == nil)
        #expect(hosts.fail(on: "b.cluster", step: 20) == nil)
        #expect(hosts.fail(on: "a", step: 30) == nil)
        for step in [40, 50] { #expect(hosts.fail(on: "b", step: step) == nil) }
        #expect(hosts.fail(on: nil, step: 60) == nil)
        for step in [70, 70] { #expect(hosts.fail(on: "b", step: step) == nil) }
        #expect(hosts.fail(on: "b", step: 80) == "b.cluster")
        #expect(hosts.suspectHosts == ["b.cluster"])
        #expect(hosts.placement?.hosts.map(\.name) == ["a"])
        #expect(
            hosts.sentence(hosts.placement)
                == "ranks on b.cluster failed 3 times in a row (to use it again, stop the run and start it again): going "
                + "on without, with 1 rank instead of 2")
        // It is better than none.
        hosts.lose("a")
        #expect(hosts.placement?.hosts.map(\.name) == ["b.cluster"])
    }

    @Test func oneStepOrTheLastHostMakeNothingSuspect() {
        var hosts = ledger([("a", 1), ("b", 1)], ranks: 2)
        for _ in 0..<5 { #expect(hosts.fail(on: "b", step: 10) == nil) }
        hosts.lose("a")
        for step in 0..<5 { #expect(hosts.fail(on: "b", step: step) == nil) }
        var pair = ledger([("a", 1), ("b", 1)], ranks: 2, least: 2)
        for step in 0..<5 { #expect(pair.fail(on: "b", step: step) == nil) }
    }

    @Test func namesMeetWithoutTheirDomain() {
        let hosts = ledger([("n1.a", 1), ("n1.b", 1), ("n2", 1), ("10.0.0.1", 1)], ranks: 4)
        #expect(hosts.name(of: "n2.cluster.org") == "n2")
        #expect(hosts.name(of: "n1.b") == "n1.b")
        #expect(hosts.name(of: "n1") == nil)
        #expect(hosts.name(of: "10.0.0.2") == nil)
        #expect(hosts.name(of: "10.0.0.1") == "10.0.0.1")
    }
}
