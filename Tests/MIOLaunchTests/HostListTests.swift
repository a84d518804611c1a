import MIOLaunch
import Testing

@Suite struct HostListTests {
    private func text(_ list: HostList?) -> String? {
        list.map { $0.hosts.map { "\($0.name):\($0.slots)" }.joined(separator: ",") }
    }

    @Test func ofAList() {
        #expect(text(HostList(list: "a:4,b,a:2")) == "a:6,b:1")
        for list in ["a:*", "+n0", "a:4,,b", "a:0", ""] { #expect(HostList(list: list) == nil, "\(list)") }
    }

    @Test func ofAHostfile() {
        #expect(text(HostList(hostfile: "# ours\na slots=4\nb slots = 2 max_slots=8 # old\n")) == "a:4,b:2")
        #expect(HostList(hostfile: "a slots=4\nb\n") == nil)
        #expect(HostList(hostfile: "\n") == nil)
    }

    @Test func ofBatchSystems() {
        #expect(
            text(
                HostList(slurm: [
                    "SLURM_JOB_NODELIST": "n[1-3],m07", "SLURM_TASKS_PER_NODE": "2(x3),1",
                ])) == "n1:2,n2:2,n3:2,m07:1")
        #expect(HostList(slurm: ["SLURM_JOB_NODELIST": "n[1-3]", "SLURM_TASKS_PER_NODE": "2"]) == nil)
        #expect(HostList(slurm: ["SLURM_JOB_NODELIST": "n1"]) == nil)
        #expect(text(HostList(nodefile: "a\na\nb\n")) == "a:2,b:1")
        #expect(HostList(nodefile: "") == nil)
        #expect(text(HostList(lsf: "a 4 b 2")) == "a:4,b:2")
        for list in ["a", "a b", "", "a 0"] { #expect(HostList(lsf: list) == nil, "\(list)") }
    }

    @Test(arguments: [
        ("n1", ["n1"]), ("n[8-10]", ["n8", "n9", "n10"]), ("n[08-10,2]x", ["n08x", "n09x", "n10x", "n2x"]),
        ("r[1-2]n[1-2],m", ["r1n1", "r1n2", "r2n1", "r2n2", "m"]),
    ]) func slurmsShortForm(list: String, nodes: [String]) { #expect(HostList.expand(list) == nodes) }

    @Test(arguments: ["", "n[1-", "n]", "n[3-1]", "n[a-b]", "n[]", "n[1-9999999]", "n[1-2-3]"])
    func whatIsNoList(list: String) {
        #expect(HostList.expand(list) == nil, "\(list)")
    }
}
