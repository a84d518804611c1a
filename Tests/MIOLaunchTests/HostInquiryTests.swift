import MIOLaunch
import Testing

@Suite struct HostInquiryTests {
    @Test func theLaunchersAgentAsks() {
        let ssh = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5"]
        #expect(HostInquiry(arguments: [], environment: [:]) == .agent(ssh))
        #expect(
            HostInquiry(arguments: ["--mca", "plm_rsh_agent", "/opt/agent -x : rsh"], environment: [:])
                == .agent(["/opt/agent", "-x"]))
        #expect(
            HostInquiry(
                arguments: ["--prtemca", "plm_ssh_agent", "a"], environment: ["OMPI_MCA_plm_rsh_agent": "b"])
                == .agent(["a"]))
        #expect(
            HostInquiry(
                arguments: ["--mca", "btl", "tcp"], environment: ["OMPI_MCA_plm_rsh_agent": "/usr/bin/ssh -q"]
            )
                == .agent(["/usr/bin/ssh", "-q"] + ssh.dropFirst()))
        let asked = HostInquiry.agent(["agent"]).commands(["a", "b"])
        #expect(asked.map(\.arguments) == [["agent", "a", "true"], ["agent", "b", "true"]])
        #expect(asked.map(\.hosts) == [["a"], ["b"]])
    }

    @Test func anAgentsEndIsTheAnswer() {
        let agent = HostInquiry.agent(["ssh"])
        #expect(agent.answers(of: ["a"], status: 0, output: "") == ["a": true])
        #expect(
            agent.answers(of: ["a"], status: 255, output: "ssh: connect to host a port 22") == ["a": false])
        #expect(agent.answers(of: ["a"], status: nil, output: "") == ["a": false])
        // It is there.
        #expect(agent.answers(of: ["a"], status: 255, output: "me@a: Permission denied (publickey).").isEmpty)
        #expect(agent.answers(of: ["a"], status: 127, output: "").isEmpty)
    }

    @Test func slurmKnowsItsNodes() {
        let asked = HostInquiry.slurm.commands(["n1", "n2"])
        #expect(asked.count == 1)
        #expect(asked[0].arguments.contains("--nodes=n1,n2"))
        #expect(
            HostInquiry.slurm.answers(
                of: ["n1", "n2", "n3", "n4"], status: 0,
                output: "n1 alloc\nn2 down*\nn3 mix*\nn4 drng\nn9 idle\n")
                == ["n1": true, "n2": false, "n3": false, "n4": true])
        #expect(HostInquiry.slurm.answers(of: ["n1"], status: 1, output: "").isEmpty)
        #expect(HostInquiry.slurm.answers(of: ["n1"], status: nil, output: "").isEmpty)
    }
}
