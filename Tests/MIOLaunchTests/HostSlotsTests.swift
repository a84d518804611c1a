import MIOLaunch
import Testing

@Suite struct HostSlotsTests {
    @Test(arguments: [
        ("localhost:1", 1), ("a:4,b:4", 8), ("a,b", 2), ("a,a:3", 4), ("a:*", nil), ("a:2,+n1", nil),
        ("node[1-4]:2", nil),
    ]) func ofALists(list: String, slots: Int?) throws { #expect(try HostSlots.count(list: list) == slots) }

    @Test(arguments: ["", "a,,b", "a:0", "a:-1", "a:x", "a:1:2", ":4", "a b"]) func whatIsNoMachine(
        list: String
    ) {
        #expect(throws: HostSlots.Fault.self) { try HostSlots.count(list: list) }
    }

    @Test(arguments: [
        ("a slots=4\nb slots=2\n", 6), ("# all\n\na slots = 4 max_slots=8 # mine\n", 4),
        ("a\nb slots=2", nil),
        ("", 0),
    ]) func ofAHostfile(text: String, slots: Int?) { #expect(HostSlots.count(hostfile: text) == slots) }

    @Test(arguments: [
        ("a slots=4\nb\n", nil), ("# all\n a slots = 4 # mine", nil),
        ("", "no machine is in it; expected lines such as: node1 slots=4"),
        ("# none\n\n", "no machine is in it; expected lines such as: node1 slots=4"),
        ("a\nb slots=x\n", "line 2: \"slots=x\": expected a number of slots, such as slots=4"),
        ("a slots=-1\n", "line 1: \"slots=-1\": expected a number of slots, such as slots=4"),
        ("a slots =\n", "line 1: \"slots=\": expected a number of slots, such as slots=4"),
        (
            "a slots=2\r\n",
            "line 1 ends with a carriage return, as Windows writes it, which mpirun does not read; remove those, for example "
                + "with: tr -d '\\r'"
        ),
    ]) func faultOfAHostfile(text: String, fault: String?) {
        #expect(HostSlots.fault(hostfile: text) == fault)
    }

    @Test func whetherTheyAreThisMachine() {
        for list in ["localhost:2", "node7", "node7.cluster:4,localhost"] {
            #expect(HostSlots.isHere(list: list, hostName: "node7.cluster"), "\(list)")
        }
        #expect(!HostSlots.isHere(list: "localhost,node8", hostName: "node7.cluster"))
    }

    @Test func moreMayBeAskedFor() {
        #expect(!HostSlots.mayBeExceeded(environment: [:], arguments: ["--bind-to", "none"]))
        #expect(HostSlots.mayBeExceeded(environment: [:], arguments: ["--oversubscribe"]))
        #expect(HostSlots.mayBeExceeded(environment: [:], arguments: ["--map-by", "slot:OVERSUBSCRIBE"]))
        #expect(!HostSlots.mayBeExceeded(environment: [:], arguments: ["--map-by", ":NOOVERSUBSCRIBE"]))
        #expect(
            HostSlots.mayBeExceeded(
                environment: ["OMPI_MCA_rmaps_base_oversubscribe": "1"], arguments: []))
        #expect(
            HostSlots.mayBeExceeded(
                environment: ["PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe"], arguments: []))
    }
}
